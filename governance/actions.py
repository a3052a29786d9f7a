"""Every action that can stand in the ledger, named ``<app>.<noun>.<past participle>``."""

from enum import StrEnum


class Action(StrEnum):
    """Closed vocabulary; ``sentence`` is how a person reads it after the actor's name."""

    DATASET_REGISTERED = "governance.dataset.registered"
    SNAPSHOT_REGISTERED = "governance.snapshot.registered"
    TOKEN_CREATED = "governance.token.created"  # noqa: S105 (an action's name)
    TOKEN_REVOKED = "governance.token.revoked"  # noqa: S105 (an action's name)
    MODEL_REGISTERED = "models_registry.model.registered"
    VERSION_REGISTERED = "models_registry.version.registered"
    VERSION_REFRESHED = "models_registry.version.refreshed"
    VERSION_MONITORED = "models_registry.version.monitored"
    ARTIFACT_SCANNED = "models_registry.artifact.scanned"
    VERSION_SUSPENDED = "models_registry.version.suspended"
    PLAN_CREATED = "audits.plan.created"
    PLAN_CHANGED = "audits.plan.changed"
    PLAN_ARCHIVED = "audits.plan.archived"
    RUN_REQUESTED = "audits.run.requested"
    RUN_COMPLETED = "audits.run.completed"
    RUN_ERRORED = "audits.run.errored"
    FINDING_OPENED = "audits.finding.opened"
    FINDING_ANSWERED = "audits.finding.answered"
    FINDING_CLOSED = "audits.finding.closed"
    SCORECARD_COMPUTED = "audits.scorecard.computed"
    MONITORING_UPDATED = "audits.monitoring.updated"
    PROFILE_COMPUTED = "audits.profile.computed"
    REPORT_REQUESTED = "audits.report.requested"
    REPORT_COMPLETED = "audits.report.completed"
    REPORT_FAILED = "audits.report.failed"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Action.DATASET_REGISTERED: "registered a dataset",
    Action.SNAPSHOT_REGISTERED: "registered a snapshot of a dataset",
    Action.TOKEN_CREATED: "made an API token",
    Action.TOKEN_REVOKED: "revoked an API token",
    Action.MODEL_REGISTERED: "registered a model",
    Action.VERSION_REGISTERED: "registered a model version",
    Action.VERSION_REFRESHED: "gave a version newer data to be audited on",
    Action.VERSION_MONITORED: "said where a version's new data arrive",
    Action.ARTIFACT_SCANNED: "looked into an artefact",
    Action.VERSION_SUSPENDED: "suspended a model version",
    Action.PLAN_CREATED: "planned an audit",
    Action.PLAN_CHANGED: "changed an audit plan",
    Action.PLAN_ARCHIVED: "archived an audit plan",
    Action.RUN_REQUESTED: "asked for an audit run",
    Action.RUN_COMPLETED: "completed an audit run",
    Action.RUN_ERRORED: "could not compute an audit",
    Action.FINDING_OPENED: "opened a finding",
    Action.FINDING_ANSWERED: "answered a finding",
    Action.FINDING_CLOSED: "closed a finding",
    Action.SCORECARD_COMPUTED: "computed a scorecard",
    Action.MONITORING_UPDATED: "compared new data with what a version knows",
    Action.PROFILE_COMPUTED: "profiled a snapshot",
    Action.REPORT_REQUESTED: "asked for a report on a run",
    Action.REPORT_COMPLETED: "made a report on a run",
    Action.REPORT_FAILED: "could not make a report on a run",
}
