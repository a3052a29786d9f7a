"""What plans of the audits that compare groups may set: the same for all of them, and what a kind adds."""

from __future__ import annotations

from collections.abc import Mapping

from audits.metrics.scores.ranking import CUTOFF
from audits.presentation import Settings
from audits.verdicts.disparity import disparities


def disparity_settings(
    own: Mapping[str, float], *columns: str, roles: tuple[str, ...] = (), methods: tuple[str, ...] = ()
) -> Settings:
    """Of a kind that compares groups of rows."""
    return Settings(
        limits={**disparities.DEFAULTS, **own},
        columns=("sensitive", "y_true", "y_pred", "entity", "strata", *columns),
        methods=methods,
        lines=("intersections", "references", *(["roles"] if roles else [])),
        roles=roles,
    )


def list_settings(own: Mapping[str, float], roles: tuple[str, ...], *lines: str) -> Settings:
    """Of a kind that reads ranked lists, a row for each place."""
    return Settings(
        limits={**disparities.DEFAULTS, "cutoff": CUTOFF, **own},
        columns=("sensitive", "strata"),
        lines=("roles", *lines),
        roles=roles,
    )
