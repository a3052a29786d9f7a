from models_registry.kinds import INPUT_AUDITS, Indicator, ModelKind, RequiredAudit, model_kinds


@model_kinds.register
class Segmentation(ModelKind):
    """Customer segmentation: assigns each customer to one of a small number of groups."""

    slug = "segmentation"
    label = "Customer segmentation"
    purpose = "Groups customers by how they shop, so that offers fit what they are likely to want."
    metrics = ("silhouette", "mean_bootstrap_ari", "min_bootstrap_ari")
    headline_metric = "mean_bootstrap_ari"
    indicator = Indicator(name="Customer lifetime value of AI-engaged cohorts", target="5 to 10 % higher")
    required_audits = (
        *INPUT_AUDITS,
        RequiredAudit(slug="segment-stability", current="predictions"),
        RequiredAudit(slug="segment-disparity", current="predictions"),
        RequiredAudit(slug="group-disparity", current="predictions"),
        RequiredAudit(slug="anonymity", current="training", window="month"),
        RequiredAudit(
            slug="membership-inference", current="non-members", reference="members", window="month"
        ),
    )
