// Words and punctuation marks: how text is cut into them, and where a space stands between them. As zoo/data/text/vocabulary.py.

const SIGN = "\\u3041-\\u30ff\\u3400-\\u9fff\\uf900-\\ufaff"; // Chinese and Japanese, which no spaces part: each is a word
const LETTER = `(?:(?![${SIGN}])[\\p{L}\\p{N}_])`;
const MARK = "\\p{M}\\u200c\\u200d";
const OTHER = "[^\\p{L}\\p{N}_\\s]";
const LETTERS = `${LETTER}+(?:[${MARK}]+${LETTER}*)*`;
const EMOJI = `[\\u{1f1e6}-\\u{1f1ff}]{2}|${OTHER}(?:[\\p{M}\\u{1f3fb}-\\u{1f3ff}\\u{e0020}-\\u{e007f}]|\\u200d${OTHER})+`;
const PIECE_OF_TEXT = new RegExp(`\\n|[${SIGN}]|${LETTERS}(?:['\\u2019-]${LETTERS})*|${EMOJI}|(${OTHER})\\1*`, "gu");
const WIDE_SIGN = new RegExp(`^[${SIGN}\\u3000-\\u303f\\uff01-\\uff65]`, "u");
const NO_SPACE_BEFORE = /^[.,!?;:)\]}\u2019\u201d%\u2026\u060c\u061b\u061f\u0964\u0f0b\u0f0d\u104a\u104b\u17d4\n]/u;
const NO_SPACE_AFTER = /^[([{\n\u00bf\u00a1]/u;
// quotation marks that open, and what closes each
const QUOTES = { '"': '"', "“": "”", "‘": "’", "„": "“”", "‚": "‘’", "«": "»", "»": "«", "‹": "›", "›": "‹" };
const QUOTATION = new Set([...Object.keys(QUOTES), ...Object.values(QUOTES).join("")]);
export const SPACE = " ";
export const GLUE = "\u2060"; // what a mark begins or ends with where no space stands, though one usually would

const AROUND = new RegExp(`^[${SPACE}${GLUE}]+|[${SPACE}${GLUE}]+$`, "g");

// A token without what it says of spaces.
export const bare = (token) => token.replace(AROUND, "") || token;

// Says where a space stands between tokens as one usually writes them.
class Spacing {
  last = "\n";
  wide = false;
  tight = true; // whether no space follows the last one
  closers = []; // of each quotation mark that is open, what closes it

  before(word) {
    return !(this.tight || WIDE_SIGN.test(word) || this.wide || NO_SPACE_BEFORE.test(word) || this.closedBy(word) >= 0);
  }

  // Goes on behind a token; `unusual` is whether there is a space before it where that is not as usual.
  put(word, unusual) {
    this.wide = WIDE_SIGN.test(word);
    this.tight = NO_SPACE_AFTER.test(word);
    this.last = word;
    if (!QUOTATION.has(word)) return;
    const closed = this.closedBy(word);
    if (unusual === false || (unusual === undefined && closed >= 0)) {
      this.closers = closed >= 0 ? this.closers.slice(0, closed) : this.closers;
    } else if (word in QUOTES) {
      this.closers = [...this.closers.slice(-3), QUOTES[word]];
      this.tight = true;
    }
  }

  closedBy(word) {
    return QUOTATION.has(word) ? this.closers.findLastIndex((closing) => closing.includes(word)) : -1;
  }
}

export function splitWords(text) {
  const tokens = [];
  const spacing = new Spacing();
  let end = 0;
  for (const { 0: word, index } of text.matchAll(PIECE_OF_TEXT)) {
    const space = index > end;
    end = index + word.length;
    const dropped = word === "\n" || spacing.last === "\n" || (space && (spacing.wide || WIDE_SIGN.test(word)));
    let unusual;
    if (space !== spacing.before(word) && !dropped) {
      const sign = space ? SPACE : GLUE;
      if (/^[\p{L}\p{N}_]/u.test(word)) {
        tokens[tokens.length - 1] += sign;
        tokens.push(word);
      } else {
        unusual = space;
        tokens.push(sign + word);
      }
    } else {
      tokens.push(word);
    }
    spacing.put(word, unusual);
  }
  return tokens;
}

// A function that writes tokens, one a call, with the spaces between them.
export function joiningWords() {
  const spacing = new Spacing();
  let pending = "";
  return function join(token) {
    const word = bare(token);
    const at = token.indexOf(word);
    const begin = token.slice(0, at);
    pending = begin || pending;
    const unusual = pending ? pending === SPACE : undefined;
    const text = ((unusual ?? spacing.before(word)) ? SPACE : "") + word;
    spacing.put(word, begin ? unusual : undefined);
    pending = token.slice(at + word.length);
    return text;
  };
}
