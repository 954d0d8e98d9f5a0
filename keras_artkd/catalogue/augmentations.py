"""Names and numbers of the augmentations of training images."""

AUGMENTATIONS = ("cutout", "mixup", "sla")

# Turns of an image by 90 degrees that can be told apart.
ROTATIONS = 4
