"""The first page of help in Japanese, for whom the environment says reads it."""

import os

SUMMARY = "Keras 3 のモデル集。コースで学ぶモデルと、自分の写真の分類器を数秒で。"
TITLES = {
    "To begin with": "はじめに",
    "Your own photos": "自分の写真で",
    "Any model": "どのモデルでも",
    "Models of pictures": "画像のモデル",
    "Models of text": "文章のモデル",
    "The zoo itself": "zoo 自身",
    "Examples": "例",
}
COMMANDS = {
    "app": "ブラウザーで分類器を作り、使う。",
    "audit": "ラベルの間違っていそうな写真を探す。",
    "bench": "学習済みネットワークが毎秒何枚見られるかを測る。",
    "cache": "zoo がディスクに置いているものを見る、消す。",
    "chat": "チャットボットと話す。",
    "check": "モデルが zoo の約束を守るか確かめる。",
    "completion": "シェルの補完スクリプトを出す。",
    "demo": "試してみる。付属の画像で学習し、使ってみる。",
    "doctor": "写真を一枚ずつ調べ、学習の妨げになるものを言う。",
    "embed": "学習済みネットワークが見た特徴を書き出す。",
    "evaluate": "正解付きのデータでモデルを測る。",
    "explain": "写真のどこを見て答えたかを示す。",
    "export": "ほかの道具やブラウザーで使えるファイルにする。",
    "find-learning-rate": "モデルとデータに合う学習率を探す。",
    "finetune": "自分の写真を見分けるモデルを数秒で作る。",
    "forget": "ある写真を見なかったことにする。",
    "generate": "文章の続きを書く。",
    "import": "Keras 2 や Teachable Machine のモデルを取り込む。",
    "list": "モデルの一覧。",
    "predict": "写真に何が写っているかを言う。",
    "reconstruct": "オートエンコーダーに画像を描き直させる。",
    "relabel": "学習し直さずに、クラスの名前を変える。",
    "report": "モデルと写真についての一枚のページを作る。",
    "reproduce": "研究を一つ再現する。表と図と結論。",
    "sample": "ノイズから絵を描く。",
    "show": "モデルの説明や、保存したファイルの中身を見る。",
    "similar": "ある単語にいちばん近い単語を言う。",
    "trace": "小さなネットの計算を一回分、NumPy と Keras で並べる。",
    "train": "モデルを学習し、保存する。",
    "tune": "設定をいろいろ試し、いちばん良いものを残す。",
    "visualise": "最初の層が何を探しているかを描く。",
}
EXAMPLES = """\
  zoo demo                                   動くかどうか、付属の画像で三十秒
  zoo list                                   すべてのモデル
  zoo predict efficientnet_lite0 cat.jpg     何の写真？（ImageNet の千種類、通信なし）
  zoo finetune photos/ --out pets.keras      自分の写真の分類器
  zoo predict pets.keras new.jpg             使う
  zoo train logistic --data faces            コースのモデルを学習する"""


def is_wanted() -> bool:
    """Whether messages are to be in Japanese: the first of LC_ALL, LC_MESSAGES and LANG that says anything decides."""
    return next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "").startswith("ja")
