"""A training that takes no time: a stand-in for `intclass finetune` that prints, pauses, resumes and ends as it does.

    python training.py OUT DROPOUT EPOCHS [PAUSE]

Its loss falls from epoch to epoch, the slower the further the dropout is from 0.1. Dropout 0.99 is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path

EPOCH_SECONDS = float(os.environ.get("EPOCH_SECONDS", "0.05"))


def main() -> None:
    out, dropout, epochs = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    pause = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    if dropout == 0.99:
        sys.stderr.write("error: dropout is 0.99; give less\n")
        sys.exit(2)
    folder = out / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    done = max((int(path.stem[5:]) for path in folder.glob("last-*.pt")), default=0)
    print(f"parameters=1000 starts={done}", flush=True)
    for epoch in range(done + 1, epochs + 1):
        time.sleep(EPOCH_SECONDS)
        loss = (abs(dropout - 0.1) + 1) / epoch
        print(f"epoch={epoch} train_loss={loss:.4f} validation_loss={loss:.6f} validation_accuracy=0.5", flush=True)
        (folder / f"last-{epoch:08}.pt").touch()
        with (out / "epochs.txt").open("a") as trained:
            trained.write(f"{epoch}\n")
        if epoch == pause:
            return
    for path in folder.iterdir():
        path.unlink()
    stats = {"validation_loss": loss, "validation_accuracy": 0.5, "seconds": 1.0}
    manifest = {"stage": "finetune", "program": "test", "config": {}, "stats": stats}
    manifest["counts"] = {"parameters": 1000, "epochs": epochs, "best_epoch": epochs}
    manifest["files"] = {"weights": hashlib.sha256(repr(loss).encode()).hexdigest()}
    (out / "manifest.json.partial").write_text(json.dumps(manifest))
    (out / "manifest.json.partial").replace(out / "manifest.json")


if __name__ == "__main__":
    main()
