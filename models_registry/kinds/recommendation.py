from models_registry.kinds import INPUT_AUDITS, Indicator, ModelKind, RequiredAudit, model_kinds


@model_kinds.register
class Recommendation(ModelKind):
    """Clienteling recommendation: items that an associate or the shop suggests to one client."""

    slug = "recommendation"
    label = "Clienteling recommendation"
    purpose = "Suggests products you may like, from what you and customers with similar baskets bought."
    metrics = (
        "ndcg_at_20",
        "ndcg_at_20_baseline",
        "hit_rate_at_20",
        "catalogue_coverage",
        "premium_exposure",
    )
    headline_metric = "ndcg_at_20"
    indicator = Indicator(name="Clienteling conversion lift", target="5 to 15 % over unaided associates")
    required_audits = (
        *INPUT_AUDITS,
        RequiredAudit(slug="performance", current="predictions"),
        RequiredAudit(slug="exposure-disparity", current="lists"),
        RequiredAudit(slug="item-exposure", current="lists"),
        RequiredAudit(slug="group-disparity", current="predictions"),
        RequiredAudit(slug="anonymity", current="training", window="month"),
    )
