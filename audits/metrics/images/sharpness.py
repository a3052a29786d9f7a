"""How sharp a picture is."""

from __future__ import annotations

import numpy as np

from audits.metrics.images.decoding import Greys


def laplacian_variance(grey: Greys) -> float:
    """Variance of the Laplacian of the grey levels; low where there are no fine edges. Unit: grey levels squared.

    The Laplacian of a pixel is the sum of its four neighbours less four times itself; pixels on the border are left out. Source:
    Pech-Pacheco, Cristobal, Chamorro-Martinez and Fernandez-Valdivia 2000, "Diatom autofocusing in brightfield
    microscopy: a comparative study", ICPR 2000. It depends on the motif and the size, so it has no limit.

    Returns
    -------
    float
        At least 0; NaN for a picture with a side below 3.
    """
    if min(grey.shape) < 3:
        return float("nan")
    levels = grey.astype(np.int32)
    middle = levels[1:-1, 1:-1]
    around = levels[:-2, 1:-1] + levels[2:, 1:-1] + levels[1:-1, :-2] + levels[1:-1, 2:]
    return float((around - 4 * middle).var())
