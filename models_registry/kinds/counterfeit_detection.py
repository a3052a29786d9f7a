from models_registry.kinds import INPUT_AUDITS, Indicator, ModelKind, RequiredAudit, model_kinds


@model_kinds.register
class CounterfeitDetection(ModelKind):
    """Counterfeit detection: flags listings whose marks are likely not the brand's own."""

    slug = "counterfeit-detection"
    label = "Counterfeit detection"
    purpose = "Looks for listings that carry a forged mark, so that people at the house can review them."
    metrics = ("roc_auc", "phash_auc", "recall_at_5pct_false_flags", "false_flag_rate")
    headline_metric = "roc_auc"
    indicator = Indicator(name="Counterfeit takedown rate", target="above 90 %, kept")
    required_audits = (
        *INPUT_AUDITS,
        RequiredAudit(slug="performance", current="predictions"),
        RequiredAudit(slug="calibration", current="predictions"),
        RequiredAudit(slug="counterfeit-disparity", current="predictions"),
        RequiredAudit(slug="group-disparity", current="predictions"),
        RequiredAudit(
            slug="membership-inference", current="non-members", reference="members", window="month"
        ),
    )
