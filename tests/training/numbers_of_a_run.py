"""Examples of the numbers that a listener gets."""

STEP = {
    "step": 1, "epoch": 1, "loss": 0.7, "accuracy": 0.5, "grad_norm": 1.0,
    "learning_rate": 0.1, "tokens": 100,
}  # fmt: skip
EPOCH = {
    "epoch": 1, "step": 1, "train_loss": 0.7, "train_accuracy": 0.5,
    "validation_loss": 0.6, "validation_accuracy": 0.6, "seconds": 1.0,
}  # fmt: skip
