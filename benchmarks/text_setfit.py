"""SetFit on one draw of sentences, for `text_fine_tuning.py`.

    VENV/bin/python benchmarks/text_setfit.py DRAW.json FOLDER

VENV is a virtual environment with `pip install setfit`. DRAW.json has the lists
`texts`, `labels`, `queries` and `query_labels`; FOLDER is that of all-MiniLM-L6-v2.
Prints a line of JSON: seconds and accuracy. One epoch over as many pairs of one class
as of two (`sampling_strategy="undersampling"`), the least work that SetFit offers; then
a logistic head.
"""

import json
import pathlib
import sys
import time

import numpy as np
from datasets import Dataset
from setfit import SetFitModel, Trainer, TrainingArguments


def main():
    draw = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    model = SetFitModel.from_pretrained(sys.argv[2])
    arguments = TrainingArguments(
        output_dir=str(pathlib.Path(sys.argv[1]).parent / "setfit"),
        batch_size=16,
        num_epochs=1,
        sampling_strategy="undersampling",
        save_strategy="no",
        seed=0,
    )
    data = Dataset.from_dict({"text": draw["texts"], "label": draw["labels"]})
    trainer = Trainer(model=model, args=arguments, train_dataset=data)
    start = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - start
    predicted = np.asarray(model.predict(draw["queries"]))
    accuracy = float(np.mean(predicted == np.asarray(draw["query_labels"])))
    print(json.dumps({"seconds": seconds, "accuracy": accuracy}))


if __name__ == "__main__":
    main()
