from __future__ import annotations

import numpy as np
import pytest

from edge.draw import draw_faces


@pytest.mark.parametrize("box", [[20, 30, 40, 40], [0, 0, 10, 10], [-20, -20, 60, 60], [90, 70, 60, 60]])
def test_a_copy_is_marked_and_the_picture_left_alone(box):
    image = np.zeros((90, 120, 3), np.uint8)
    marked = draw_faces(image, [{"box": box, "emotion": "happy", "confidence": 0.9}])
    assert not image.any()
    assert marked.shape == image.shape
    assert marked.any()
