"""Names of measurements as people read them: terms of their own, abbreviations, and everything else from its slug."""

from __future__ import annotations

#: Names that no rule would give.
TERMS = {
    "adjusted-rand-index": "Adjusted Rand index",
    "age-days": "Age of the newest data in days",
    "brier": "Brier score",
    "calibration-in-the-large": "Calibration in the large",
    "chisquare": "Chi-square p",
    "distinct-l-diversity": "Distinct l-diversity",
    "drift-share": "Share of moved columns",
    "entropy-l-diversity": "Entropy l-diversity",
    "f1": "F1 score",
    "jensenshannon": "Jensen–Shannon distance",
    "k-anonymity": "k-anonymity",
    "ks": "Kolmogorov–Smirnov p",
    "mean-adjusted-rand-index": "Mean adjusted Rand index",
    "psi": "Population stability index",
    "r2": "R²",
    "t-closeness": "t-closeness",
    "true-positive-rate-at-1pct-fpr": "True positive rate at 1 % false positives",
    "wasserstein": "Wasserstein distance",
    "wasserstein-clipped": "Clipped Wasserstein distance",
    "z": "Z-test p",
}
_CAPITALS = frozenset(["ari", "auc", "ece", "f1", "mae", "mape", "mrr", "ndcg", "psi", "rmse", "roc", "wape"])
_AT = frozenset({"ndcg"})


def metric_words(name: str) -> str:
    """A measurement's name in words.

    ``selection-rate:reached_type_c`` is Selection rate of reached type c, ``ndcg_at_20`` is NDCG@20.
    """
    metric, colon, outcome = name.partition(":")
    words = _words(metric)
    words = words[:1].upper() + words[1:] if metric not in TERMS else words
    return f"{words} of {_words(outcome)}" if colon else words


def _words(slug: str) -> str:
    slug = slug.replace("_", "-")
    if slug in TERMS:
        return TERMS[slug]
    first, at, number = slug.partition("-at-")
    if at and first in _AT:
        cutoff, _, rest = number.partition("-")
        return " ".join(filter(None, [f"{first.upper()}@{cutoff}", rest]))
    return " ".join(word.upper() if word in _CAPITALS else word for word in slug.split("-"))


def slice_words(name: str) -> str:
    """A slice in words: ``photo_quality=good`` is photo quality: good. A column keeps its own name.

    ``age*income=65+*low`` is age and income: 65+, low; ``age=65+|55-64, sex=f`` is age: 65+ or 55-64, sex: f.
    """
    attribute, equals, group = name.partition("=")
    if not equals:
        return name
    if "*" in attribute:
        return f"{attribute.replace('_', ' ').replace('*', ' and ')}: {group.replace('*', ', ')}"
    parts = name.split(", ")
    if len(parts) > 1 and all("=" in part for part in parts):
        return ", ".join(slice_words(part).replace("|", " or ") for part in parts)
    return f"{attribute.replace('_', ' ')}: {group}"
