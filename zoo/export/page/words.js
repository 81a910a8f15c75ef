// What the page says, in English and Japanese: the browser's language decides.

const WORDS = {
  en: {
    classes: {
      knows: (labels, more) => `Tells apart: ${labels}${more ? ` and ${more} more` : ""}`,
      measured: (share, low, high, n) => `Right for ${share} of ${n} photos that it had not learned from (95 % sure: ${low} to ${high}).`,
      unit: percent,
      others: (n) => `and ${n} more classes`,
      columns: ["answer", "probability"],
    },
    labels: {
      knows: (labels, more) => `Says which of these a picture has: ${labels}${more ? ` and ${more} more` : ""}`,
      measured: (share, low, high, n) => `Right in every label for ${share} of ${n} photos that it had not learned from (95 % sure: ${low} to ${high}).`,
      unit: percent,
      others: (n) => `and ${n} more labels that it does not have`,
      none: "None of its labels",
      columns: ["labels", "probabilities"],
      places: ["label", "probability"],
    },
    numbers: {
      knows: (label) => `Estimates a number: ${label}`,
      measured: (error, low, high, n) => `Off by ${error} on average on ${n} photos that it had not learned from (95 % sure: ${low} to ${high}).`,
      unit: (value) => number(value, 3),
      off: (error) => `off by ${error} on average, on pictures that were held out`,
      columns: ["value", "mean error"],
    },
    private: "Your pictures stay in this page. It has no way to send them anywhere.",
    drop: "Drop pictures here, or paste them",
    choose: "Choose pictures",
    photograph: "Take a photo",
    opening: "Opening the network …",
    testing: "Testing the network …",
    ready: "Ready.",
    working: (n, of) => `Picture ${n} of ${of} …`,
    done: (n, ms) => `${n} pictures, ${ms} ms each.`,
    failed: "This browser cannot run the network:",
    unreadable: "This browser cannot read this picture.",
    novel: "Resembles nothing it has learned",
    not: (label) => `not ${label}`,
    results: "Answers",
    table: "Download a table",
    clear: "Clear",
    passed: (difference) => `Self-test passed: answers as where it was made (difference ${difference}).`,
    broken: (difference) => `Self-test failed: this browser answers otherwise (difference ${difference}). Do not rely on it.`,
    about: "About this page",
    columns: ["picture", "resembles nothing"],
    yes: "yes",
    no: "no",
    pasted: "pasted picture",
  },
  ja: {
    classes: {
      knows: (labels, more) => `見分けるもの: ${labels}${more ? ` ほか ${more} 種類` : ""}`,
      measured: (share, low, high, n) => `学習に使っていない写真 ${n} 枚での正解率は ${share} です(95 % 信頼区間 ${low}~${high})。`,
      unit: percent,
      others: (n) => `ほか ${n} 種類`,
      columns: ["判定", "確率"],
    },
    labels: {
      knows: (labels, more) => `判定するラベル(複数可): ${labels}${more ? ` ほか ${more} 種類` : ""}`,
      measured: (share, low, high, n) => `学習に使っていない写真 ${n} 枚のうち、すべてのラベルが正しかった割合は ${share} です(95 % 信頼区間 ${low}~${high})。`,
      unit: percent,
      others: (n) => `ほか該当しないラベル ${n} 種類`,
      none: "該当するラベルはありません",
      columns: ["ラベル", "確率"],
      places: ["候補", "候補の確率"],
    },
    numbers: {
      knows: (label) => `推定する数値: ${label}`,
      measured: (error, low, high, n) => `学習に使っていない写真 ${n} 枚での平均誤差は ${error} です(95 % 信頼区間 ${low}~${high})。`,
      unit: (value) => number(value, 3),
      off: (error) => `学習に使っていない写真での平均誤差は ${error} です`,
      columns: ["推定値", "平均誤差"],
    },
    private: "写真はこのページの外に出ません。送信する手段がありません。",
    drop: "ここに写真をドロップするか、貼り付けてください",
    choose: "写真を選ぶ",
    photograph: "写真を撮る",
    opening: "ネットワークを開いています…",
    testing: "ネットワークを確認しています…",
    ready: "準備ができました。",
    working: (n, of) => `${of} 枚中 ${n} 枚目…`,
    done: (n, ms) => `${n} 枚、1 枚あたり ${ms} ミリ秒。`,
    failed: "このブラウザーではネットワークを実行できません:",
    unreadable: "このブラウザーではこの写真を読めません。",
    novel: "学習したどの写真にも似ていません",
    not: (label) => `${label}(該当せず)`,
    results: "判定結果",
    table: "表をダウンロード",
    clear: "消去",
    passed: (difference) => `自己診断に合格: 作成時と同じ答えです(差 ${difference})。`,
    broken: (difference) => `自己診断に不合格: このブラウザーでは答えが異なります(差 ${difference})。結果に頼らないでください。`,
    about: "このページについて",
    columns: ["写真", "似ていない"],
    yes: "はい",
    no: "いいえ",
    pasted: "貼り付けた写真",
  },
};

export const language = navigator.languages?.[0]?.startsWith("ja") ? "ja" : "en";

export function percent(share) {
  return new Intl.NumberFormat(language, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(share);
}

// A number as people read it, of so many digits.
export function number(value, digits) {
  return new Intl.NumberFormat(language, { maximumSignificantDigits: digits, useGrouping: false }).format(value);
}

export const words = WORDS[language];
