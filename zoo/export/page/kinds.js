// Kinds of answers: what the page says of one, as zoo predict says it. The target of the model decides which.

import { number, percent, words } from "./words.js";

const SHOWN = 5; // classes or labels of an answer

function ranking({ labels }, values) {
  const order = [...values.keys()].sort((a, b) => values[b] - values[a]);
  return order.map((i) => ({ label: labels[i], value: values[i], i }));
}

function bar({ label, value }, below = false) {
  return { label, share: value, shown: percent(value), below };
}

const cells = (ranked) => ranked.slice(0, SHOWN).flatMap(({ label, value }) => [label, value]);

function rankedColumns({ labels }, [label, probability]) {
  const places = Array.from({ length: Math.min(SHOWN, labels.length) }, (_, i) => i + 1);
  return places.flatMap((i) => [`${label} ${i}`, `${probability} ${i}`]);
}

// For each kind, of the page's facts and the network's values: `best`, the answer on one line; `bars`, what stands below it;
// `more`, how many are not shown; `row`, its cells of the table, and `further`, those that stand after novelty.
const KINDS = {
  classes: {
    say(facts, values) {
      const ranked = ranking(facts, values);
      const [{ label, value }] = ranked;
      return {
        best: `${label} ${percent(value)}`,
        bars: ranked.slice(0, SHOWN).map((each) => bar(each)),
        more: Math.max(0, ranked.length - SHOWN),
        row: [label, value],
        further: cells(ranked),
      };
    },
    columns: (facts) => rankedColumns(facts, words.classes.columns),
  },
  labels: {
    say(facts, values) {
      const ranked = ranking(facts, values);
      const given = ranked.filter(({ value, i }) => value >= facts.thresholds[i]);
      const others = ranked.filter((each) => !given.includes(each));
      const room = Math.max(0, SHOWN - given.length);
      return {
        best: given.map(({ label, value }) => `${label} ${percent(value)}`).join(", ") || words.labels.none,
        bars: [...given.map((each) => bar(each)), ...others.slice(0, room).map((each) => bar(each, true))],
        more: Math.max(0, others.length - room),
        row: [given.map(({ label }) => label).join("|"), given.map(({ value }) => value.toFixed(6)).join("|")],
        further: cells(ranked),
      };
    },
    columns: (facts) => rankedColumns(facts, words.labels.places),
  },
  numbers: {
    say(facts, [value]) {
      const error = facts.mean_error;
      return {
        best: `${facts.labels[0]} ${number(value, 4)}`,
        off: error === null ? "" : words.numbers.off(number(error, 2)),
        bars: [],
        more: 0,
        row: [value, error],
        further: [],
      };
    },
    columns: () => [],
  },
};

// `say(values)`, and the names of the table's columns.
export function kindOf(facts) {
  const { say, columns } = KINDS[facts.target];
  const [picture, resembles] = words.columns;
  return {
    say: (values) => say(facts, values),
    columns: [picture, ...words[facts.target].columns, resembles, ...columns(facts)],
  };
}
