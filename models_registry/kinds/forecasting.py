from models_registry.kinds import INPUT_AUDITS, Indicator, ModelKind, RequiredAudit, model_kinds


@model_kinds.register
class Forecasting(ModelKind):
    """Demand forecasting: units to buy and allocate, from past sales and promotions."""

    slug = "forecasting"
    label = "Demand forecasting"
    purpose = "Estimates how much of each product will be wanted, so that the house neither runs out nor overproduces."
    metrics = ("wape", "wape_baseline", "skill", "bias", "mae")
    headline_metric = "wape"
    indicator = Indicator(name="Excess stock", target="10 to 20 % less than with the planners' own method")
    required_audits = (
        *INPUT_AUDITS,
        RequiredAudit(slug="performance", current="predictions"),
        RequiredAudit(slug="forecast-disparity", current="predictions"),
        RequiredAudit(
            slug="membership-inference", current="non-members", reference="members", window="month"
        ),
    )
