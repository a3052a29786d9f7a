"""What pages say of groups that are compared: the words of every metric that several audits share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from audits.presentation import Words


def _share(label: str, sentence: str) -> Words:
    return Words(label=label, sentence=sentence, unit="share")


#: Rates of decisions and labels, means, and forecasts: by the name of the metric.
GROUP_WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "selection-rate": _share("Selection rate", "{who} was selected{for_outcome} {often} {others}."),
        "true-positive-rate": _share(
            "True positive rate", "Of the true cases, {who} was found {often} {others}."
        ),
        "false-positive-rate": _share("False positive rate", "{who} was wrongly selected {often} {others}."),
        "false-negative-rate": _share(
            "False negative rate", "Of the true cases, {who} was missed {often} {others}."
        ),
        "precision": _share("Precision", "When {who} was selected, that was right {often} for {others}."),
        "false-discovery-rate": _share(
            "False discovery rate", "When {who} was selected, that was wrong {often} for {others}."
        ),
        "false-omission-rate": _share(
            "False omission rate", "When {who} was not selected, that was wrong {often} for {others}."
        ),
        "accuracy": _share("Accuracy", "The model is right about {who} {often} about {others}."),
        "mean-outcome": Words(
            label="Mean outcome",
            sentence="The mean outcome{for_outcome} of {who} is {large} that of {others}.",
        ),
        "wape": _share("WAPE", "Forecast errors for {who} are {large} those for {others}."),
        "mean-error": _share(
            "Mean error", "Forecasts for {who} are off by {value} of what came; for {others} by {reference}."
        ),
        "bias": _share(
            "Bias of the forecast",
            "Forecasts for {who} are off by {value} of what came; for {others} by {reference}.",
        ),
        "under-forecast-rate": _share(
            "Under-forecast",
            "For {who}, the part of demand that was forecast too low is {large} for {others}.",
        ),
        "over-forecast-rate": _share(
            "Over-forecast", "For {who}, the part that was forecast too high is {large} for {others}."
        ),
        "service-level": _share("Service level", "Forecasts cover what came for {who} {often} for {others}."),
        "skill": _share(
            "Skill",
            "For {who} the forecast saves {value} of the naive method's error; for {others} {reference}.",
        ),
        "interval-coverage": _share(
            "Interval coverage", "The forecast's interval holds for {who} {often} for {others}."
        ),
        "weighted-quantile-loss": _share(
            "Quantile loss", "Errors of the quantile forecast for {who} are {large} those for {others}."
        ),
        "size-share-ratio": Words(
            label="Size curve",
            sentence="{who} is forecast at {ratio} times its share of the sales.",
            unit="ratio",
        ),
        "size-curve-total-variation": _share(
            "Distance of the size curve", "{value} of the units would have to be of another size."
        ),
        "size-curve-kl-divergence": Words(
            label="Divergence of the size curve",
            sentence="The forecast size curve diverges from the sales by {value} nats.",
        ),
    }
)
#: Counterfeit detection: a flag is a punitive intervention.
FLAG_WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "false-flag-rate": _share(
            "False flags", "Genuine listings of {who} were flagged {often} those of {others}."
        ),
        "false-takedown-share": _share(
            "False takedowns", "Takedowns of {who} were wrong {often} those of {others}."
        ),
        "missed-counterfeit-rate": _share(
            "Missed counterfeits", "Counterfeits of {who} were missed {often} those of {others}."
        ),
        "review-burden": _share("Review burden", "Listings of {who} were flagged {often} those of {others}."),
        "appeal-overturn-rate": _share(
            "Granted appeals", "Appeals of {who} were granted {often} those of {others}."
        ),
        "time-to-restore": Words(
            label="Hours until restored",
            sentence="Listings of {who} waited {value} hours to come back, those of {others} {reference}.",
        ),
        "flip-rate": _share(
            "Decisions flipped by the photograph",
            "A worse photograph changed the decision on {who} {often} on {others}.",
        ),
        "labelled-share": _share(
            "Listings with a label", "{value} of the listings have a label that counts."
        ),
    }
)
SEGMENT_WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "composition": _share(
            "Share in segment {outcome}", "{who} is in segment “{outcome}” {often} {others}."
        ),
        "exclusion-rate": _share("Left out", "{who} is in no segment {often} {others}."),
        "missing-features-rate": _share("Missing features", "{who} lacks a feature {often} {others}."),
        "benefit-rate": _share("Benefit", "{who} receives the benefit {often} {others}."),
        "treatment-rate": _share("Treatment", "{who} receives the treatment {often} {others}."),
        "mean-treatment": Words(
            label="Mean treatment", sentence="The mean treatment of {who} is {large} that of {others}."
        ),
        "distortion": Words(
            label="Distance to the segment",
            sentence="The distance of {who} from its segment is {large} that of {others}.",
        ),
        "stability": _share("Stays in its segment", "{who} stays in the same segment {often} {others}."),
        "cramers-v": Words(
            label="Association with the segment",
            sentence="How strongly {slice} and the segment go together is {value}; 0 is not at all, 1 is fully.",
        ),
        "cluster-balance": Words(
            label="Balance of the segments",
            sentence="The least balanced segment holds {value} of one group for each of another, by {slice}.",
        ),
    }
)
#: Recommendations, seen by the customer.
EXPOSURE_WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "premium-exposure": _share(
            "Shown the top price tier", "{who} is shown the top price tier {often} {others}."
        ),
        "calibration-ratio": Words(
            label="Shown for what was bought",
            sentence="{who} is shown {value} times the top tier that it buys, {others} {reference} times.",
        ),
        "ndcg": Words(
            label="List quality (NDCG)",
            sentence="The quality of the lists of {who} is {large} that of {others}.",
        ),
        "hit-rate": _share("Hit rate", "Lists hold something that is bought for {who} {often} for {others}."),
        "tier-suppression": Words(
            label="Change of top tier shown",
            sentence="From one period to the next, {who} was shown {value} times the top tier, {others} {reference} times.",
        ),
        "tier-divergence": Words(
            label="Distance of lists from history",
            sentence="The lists of {who} differ from its history by {value}.",
        ),
        "eligible-coverage": _share(
            "Top tier open to the group", "{who} was ever shown {value} of the top tier's items."
        ),
    }
)
#: Recommendations, seen by those who supply the items.
SUPPLY_WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "exposure-share": Words(
            label="Share of attention",
            sentence="Items of {who} get {value} of all attention; {reference} is expected.",
            against="the expected share",
            unit="share",
        ),
        "skew-at": Words(
            label="Share of the top places",
            sentence="Items of {who} fill {ratio} times as many top places as expected.",
            against="the expected share",
        ),
        "disparate-treatment": Words(
            label="Attention for relevance",
            sentence="For the same relevance, items of {who} get attention {large} that of {others}.",
        ),
        "ndkl": Words(
            label="Distance of rankings",
            sentence="Rankings differ from the expected shares by {value}; 0 is not at all.",
        ),
        "unfair-lists": _share(
            "Lists with too few of a group", "{value} of the lists hold too few items of {who} in some top."
        ),
        "gini": Words(
            label="Inequality of attention",
            sentence="Attention is spread with an inequality of {value}; 0 is evenly, 1 is all on one item.",
        ),
        "catalogue-coverage": _share("Items ever listed", "{value} of the items of {who} are ever listed."),
        "popularity-lift": _share(
            "Popularity lift", "What is listed is {value} more popular than what the same people chose."
        ),
    }
)
SHOWN_WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "representation-ratio": Words(
            label="Representation",
            sentence="{who} is shown {often} in the declared population.",
            unit="ratio",
        ),
        "adjusted-representation-ratio": Words(
            label="Representation, labelling errors removed",
            sentence="Without known labelling errors, {who} is shown {value} times as often as in the declared population.",
            unit="ratio",
        ),
        "goodness-of-fit": Words(
            label="All groups together",
            sentence="Together, the groups of {slice} depart from the declared population by {value} (G).",
        ),
        "total-variation": _share(
            "Images to change", "{value} of the images would have to show somebody else, by {slice}."
        ),
        "kl": Words(
            label="Divergence",
            sentence="The groups of {slice} diverge from the declared population by {value} nats.",
        ),
        "undeclared-share": _share("No label", "{value} of the images have no label of {slice}."),
        "reject-rate": _share("Rejected images", "Images of {who} were rejected {often} those of {others}."),
        "stereotype-association": Words(
            label="Prompt and person",
            sentence="How strongly the prompt and {slice} go together is {value}; 0 is not at all, 1 is fully.",
        ),
        "annotator-agreement": Words(
            label="Agreement of annotators",
            sentence="Two annotators agree on {slice} with {value}; 0 is chance, 1 is always.",
        ),
    }
)


def _extreme(label: str, verb: str) -> dict[str, Words]:
    """The subgroup that stands out most, either way."""
    name = label.lower().replace(" ", "-")
    sentence = f"Of all combinations, {{slice}} stands out most: {verb} {{often}} everybody else."
    return {
        f"highest-{name}": _share(f"Highest {label.lower()}", sentence),
        f"lowest-{name}": _share(f"Lowest {label.lower()}", sentence),
    }


CROSSED_WORDS: Mapping[str, Words] = MappingProxyType(
    {
        **_extreme("Selection rate", "selected"),
        **_extreme("False positive rate", "wrongly selected"),
        **_extreme("False negative rate", "missed"),
        "demographic-parity-difference": _share(
            "Largest gap in selection", "By {slice}, selection rates differ by up to {value}."
        ),
        "demographic-parity-ratio": Words(
            label="Smallest ratio of selection",
            sentence="By {slice}, the least selected group is selected {value} times as often as the most selected one.",
            unit="ratio",
        ),
        "equalized-odds-difference": _share(
            "Largest gap in errors", "By {slice}, rates of hits or false alarms differ by up to {value}."
        ),
        "differential-fairness": Words(
            label="Differential fairness",
            sentence="By {slice}, an outcome is up to e to the power of {value} times as likely for one group as for another.",
        ),
    }
)
