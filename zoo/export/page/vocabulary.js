// Text to numbers of tokens and back. Their numbers begin at 1; 0 stands for any other.

import { bare, GLUE, joiningWords, SPACE, splitWords } from "./spacing.js";

const STRAIGHT = { "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"' };
const FORMS = ["NFC", "NFD"];
const KINDS = {
  characters: { split: (text) => [...text], joining: () => (token) => token },
  words: { split: splitWords, joining: joiningWords },
  "lower-case words": { split: (text) => splitWords(text.toLowerCase()), joining: joiningWords },
};

// What else a token might have been written as.
function spellings(token) {
  const word = bare(token);
  const around = ["", SPACE, GLUE];
  return [
    token,
    word,
    word.replace(/[‘’‚“”„]/g, (mark) => STRAIGHT[mark]),
    word.replaceAll("'", "’"),
    ...FORMS.map((form) => word.normalize(form)),
    ...around.flatMap((begin) => around.map((end) => begin + word + end)),
  ];
}

// `encode(text)` gives the tokens' numbers and, of those that are not known, the text; `decoding()` a function that writes
// tokens one after another.
export function vocabularyOf({ kind, tokens }) {
  const numbers = new Map(tokens.map((token, i) => [token, i + 1]));
  const { split, joining } = KINDS[kind];
  const find = (token) => numbers.get(spellings(token).find((spelling) => numbers.has(spelling))) ?? 0;

  // Of characters in that Unicode form that is known best.
  function read(text) {
    const given = split(text);
    if (kind !== "characters" || given.every(find)) return given;
    const misses = (characters) => characters.filter((each) => !numbers.has(each)).length;
    const forms = [given, ...FORMS.map((form) => [...text.normalize(form)])];
    return forms.reduce((best, each) => (misses(each) < misses(best) ? each : best));
  }

  return {
    numbers,
    encode(text) {
      const given = read(text);
      return { numbers: given.map(find), unknown: [...new Set(given.filter((token) => !find(token)).map(bare))] };
    },
    decoding() {
      const join = joining();
      return (number) => (number ? join(tokens[number - 1]) : "");
    },
  };
}
