// What is shown of one answer.

import { element } from "./elements.js";
import { heated } from "./heat.js";
import { words } from "./words.js";

// Of a picture: `thumb`, a canvas; what `kind` says of it; whether it is novel; its heat, where there is one.
export function cardOf(name, thumb, said, novel, heat, facts) {
  const card = element("li");
  const lines = element("div", undefined, "said");
  thumb.setAttribute("role", "img");
  thumb.setAttribute("aria-label", name);
  card.append(thumb, lines);
  if (heat) {
    card.drawHeat = () => {
      const drawn = heated(thumb, heat, facts.preprocessing);
      drawn.setAttribute("aria-label", words.heatOf(name, said.row[0]));
      drawn.className = "heat";
      thumb.after(drawn);
      delete card.drawHeat; // once is enough
    };
  }
  lines.append(element("p", said.best, "best"));
  if (said.off) lines.append(element("p", said.off, "quiet"));
  if (novel) lines.append(element("p", words.novel, "novel"));
  const bars = element("ul", undefined, "bars");
  for (const { label, share, shown, below } of said.bars) {
    const line = element("li", undefined, below ? "below" : "");
    const bar = element("meter");
    bar.value = share;
    bar.setAttribute("aria-hidden", "true");
    line.append(element("span", below ? words.not(label) : label), bar, element("span", shown, "number"));
    bars.append(line);
  }
  if (said.bars.length) lines.append(bars);
  if (said.more) lines.append(element("p", words[facts.target].others(said.more), "name"));
  lines.append(element("p", name, "name"));
  return card;
}

export function unreadableCard(name) {
  const card = element("li");
  const lines = element("div", undefined, "said");
  lines.append(element("p", name, "name"), element("p", words.unreadable, "novel"));
  card.append(element("div", "?", "no-picture"), lines);
  return card;
}
