"""PyTorch's own LSTM, two layers of 256 units: characters a second in training, and written one by one.

    python benchmarks/peers/torch_lstm.py float32|bfloat16

After PyTorch's word language model example (github.com/pytorch/examples, word_language_model): states detached and
carried on from batch to batch, text drawn in a loop over single steps. Reads tinyshakespeare from $ZOO_DATA.
"""

import json
import os
import sys
import time
from pathlib import Path

import torch
from torch import nn

UNITS, BATCH, LENGTH, STEPS, WRITTEN = 256, 64, 100, 40, 2000


class Net(nn.Module):
    def __init__(self, tokens):
        super().__init__()
        self.embedding = nn.Embedding(tokens, UNITS)
        self.lstm = nn.LSTM(UNITS, UNITS, 2, batch_first=True)
        self.head = nn.Linear(UNITS, tokens)

    def forward(self, x, states=None):
        x, states = self.lstm(self.embedding(x), states)
        return self.head(x), states


def main(dtype: str) -> None:
    text = Path(os.environ["ZOO_DATA"].split(os.pathsep)[0], "text/tinyshakespeare.txt").read_text()
    numbers = {character: number for number, character in enumerate(sorted(set(text)))}
    data = torch.tensor([numbers[character] for character in text])
    rows = data[: len(data) // BATCH * BATCH].reshape(BATCH, -1)
    net = Net(len(numbers))
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    states, start = None, 0.0
    for step in range(STEPS + 3):
        if step == 3:  # the first ones are not counted
            start = time.perf_counter()
        x = rows[:, step * LENGTH : (step + 1) * LENGTH]
        y = rows[:, step * LENGTH + 1 : (step + 1) * LENGTH + 1]
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
            logits, states = net(x, states)
            loss = nn.functional.cross_entropy(logits.float().flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        states = tuple(state.detach() for state in states)
    trained = BATCH * LENGTH * STEPS / (time.perf_counter() - start)
    net.train(False)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
        token, states, start = torch.zeros(1, 1, dtype=torch.long), None, time.perf_counter()
        for _ in range(WRITTEN):
            logits, states = net(token, states)
            token = torch.multinomial(torch.softmax(logits[0].float() / 0.8, -1), 1, generator=generator)
        seconds = time.perf_counter() - start
    print(json.dumps({"trains": round(trained), "writes": round(WRITTEN / seconds)}))


if __name__ == "__main__":
    main(sys.argv[1])
