from models_registry.models.artifact_scan import ArtifactScan
from models_registry.models.registered_model import ModelVersion, RegisteredModel, VersionSnapshot

__all__ = ["ArtifactScan", "ModelVersion", "RegisteredModel", "VersionSnapshot"]
