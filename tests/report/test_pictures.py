import numpy as np

from keras_artkd.report.pictures import attention_overlay


def test_attention_warms_where_it_is():
    grey = np.full((40, 60, 3), 128, "uint8")
    attention = np.zeros((4, 6))
    attention[0, 0] = 1.0
    image = attention_overlay(grey, attention).astype(int)
    assert image.shape == (40, 60, 3)
    warmth = image[..., 0] - image[..., 2]
    assert warmth[3, 3] > 60 > warmth[-3, -3]
    # Nothing to see is no division by zero.
    flat = attention_overlay(grey, np.ones((4, 6)))
    assert len(np.unique(flat.reshape(-1, 3), axis=0)) == 1
