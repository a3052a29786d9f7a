from models_registry.kinds import Indicator, ModelKind, RequiredAudit, model_kinds


@model_kinds.register
class DigitalTwin(ModelKind):
    """Digital twins: pictures of real people's likeness in campaigns, with their consent and for pay."""

    slug = "digital-twin"
    label = "Digital twin"
    purpose = "Makes pictures of models who agreed to it, so that fewer photo shoots are needed."
    metrics = ("accepted_share", "garment_fit_error")
    headline_metric = "accepted_share"
    indicator = Indicator(name="Time to market", target="10 to 20 % shorter")
    required_audits = (
        RequiredAudit(slug="representation", current="images"),
        RequiredAudit(slug="image-provenance", current="training", window="month"),
        RequiredAudit(slug="image-data", current="images"),
    )
