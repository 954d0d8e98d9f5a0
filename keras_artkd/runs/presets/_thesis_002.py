"""Settings that the recipes of thesis 002 share; no recipe by itself."""

# Its section 4.1.3, for all of its tables.
SCHEDULE = {
    "method": "skdsam",
    "student": "resnet18",
    "epochs": 250,
    "batch_size": 128,
    "learning_rate": 0.1,
    "drops": (100 / 250, 150 / 250),
    "drop_factor": 0.1,
    "momentum": 0.9,
    "weight_decay": 5e-4,
}
# Of images it gives no size. Size and batch are those of CS-KD's code, one of
# the methods that tables 4.10 and 4.11 compare, and so is that method's weight.
FINE_GRAINED = SCHEDULE | {
    "image_size": 224,
    "batch_size": 32,
    "published_options": {"cs_kd": {"weight": 3.0}},
}
