"""BERT-base in PyTorch, as Detoxify and its kin run it: `peer_bert.py TEXTS.json TOKENIZER.json` prints comments a second.

Two threads, batches of 8 of like length, float32. Its weights are random, which changes no speed. Needs torch, tokenizers
and transformers, and nothing of Holdfast: `bench_classifier.py` runs it with the interpreter that HOLDFAST_BENCH_PEER names.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertForSequenceClassification


def main() -> None:
    texts = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    torch.set_num_threads(2)
    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig(num_labels=7)).eval()
    pieces = Tokenizer.from_file(sys.argv[2])

    def run(some: list[str]) -> float:
        started = time.perf_counter()
        ids = sorted((encoding.ids[:126] for encoding in pieces.encode_batch(some)), key=len)
        with torch.inference_mode():
            for at in range(0, len(ids), 8):
                batch = ids[at : at + 8]
                longest = max(map(len, batch))
                padded = torch.tensor([one + [0] * (longest - len(one)) for one in batch])
                mask = torch.tensor([[1] * len(one) + [0] * (longest - len(one)) for one in batch])
                model(input_ids=padded, attention_mask=mask)
        return len(some) / (time.perf_counter() - started)

    run(texts[:32])
    print(run(texts))


if __name__ == "__main__":
    main()
