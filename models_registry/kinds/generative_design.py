from models_registry.kinds import Indicator, ModelKind, RequiredAudit, model_kinds


@model_kinds.register
class GenerativeDesign(ModelKind):
    """Generative design: draws variants for designers to choose from; the creative direction stays with people."""

    slug = "generative-design"
    label = "Generative design"
    purpose = "Draws variants of designs for the house's designers, who decide what becomes of them."
    metrics = ("accepted_share", "samples_per_design")
    headline_metric = "accepted_share"
    indicator = Indicator(name="Samples for each design in production", target="20 to 30 % fewer")
    required_audits = (
        RequiredAudit(slug="near-duplicates", current="images", reference="catalogue"),
        RequiredAudit(slug="image-provenance", current="training", window="month"),
        RequiredAudit(slug="image-data", current="images"),
        RequiredAudit(slug="representation", current="images"),
    )
