"""Every permission, the roles that hold them, and the one check.

A role is a Django group of the same name; a person has the permissions of all their roles. Nothing is granted to
anonymous users, to people without a role, or by being a superuser.
"""

from __future__ import annotations

from enum import StrEnum

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User

from governance.errors import NotPermitted


class Permission(StrEnum):
    """``<resource>:<action>``."""

    SCORECARD_READ = "scorecard:read"
    MODEL_READ = "model:read"
    MODEL_REGISTER = "model:register"
    DATASET_READ = "dataset:read"
    DATASET_REGISTER = "dataset:register"
    ATTRIBUTE_REGISTER = "attribute:register"
    AUDIT_READ = "audit:read"
    AUDIT_REQUEST = "audit:request"
    AUDIT_PLAN = "audit:plan"
    FINDING_READ = "finding:read"
    FINDING_ANSWER = "finding:answer"
    VERSION_SUSPEND = "version:suspend"
    LEDGER_READ = "ledger:read"
    TOKEN_MANAGE = "token:manage"  # noqa: S105 (a permission's name)
    PRIVACY_CENTRE_READ = "privacy-centre:read"

    @property
    def label(self) -> str:
        return str(self.value)


class Role(StrEnum):
    """The four people who use Selvedge."""

    DATA_SCIENTIST = "data-scientist"
    COMPLIANCE_OFFICER = "compliance-officer"
    EXECUTIVE = "executive"
    CUSTOMER = "customer"

    @property
    def label(self) -> str:
        return self.value.replace("-", " ").capitalize()


_STAFF_READS = frozenset(
    {
        Permission.SCORECARD_READ,
        Permission.MODEL_READ,
        Permission.DATASET_READ,
        Permission.AUDIT_READ,
        Permission.FINDING_READ,
    }
)

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.DATA_SCIENTIST: _STAFF_READS
    | {
        Permission.MODEL_REGISTER,
        Permission.DATASET_REGISTER,
        Permission.AUDIT_REQUEST,
        Permission.TOKEN_MANAGE,
    },
    Role.COMPLIANCE_OFFICER: _STAFF_READS
    | {
        Permission.DATASET_REGISTER,
        Permission.ATTRIBUTE_REGISTER,
        Permission.AUDIT_REQUEST,
        Permission.AUDIT_PLAN,
        Permission.FINDING_ANSWER,
        Permission.VERSION_SUSPEND,
        Permission.LEDGER_READ,
        Permission.TOKEN_MANAGE,
    },
    Role.EXECUTIVE: _STAFF_READS,
    Role.CUSTOMER: frozenset({Permission.PRIVACY_CENTRE_READ}),
}

Actor = User | AnonymousUser | AbstractBaseUser | None


def roles_of(user: Actor) -> frozenset[Role]:
    """The roles of a signed-in, active person; one query, remembered on the object for the request."""
    if not isinstance(user, User) or not user.is_active or user.pk is None:
        return frozenset()
    remembered: frozenset[Role] | None = getattr(user, "_selvedge_roles", None)
    if remembered is None:
        names = set(user.groups.values_list("name", flat=True))
        remembered = frozenset(role for role in Role if role.value in names)
        user._selvedge_roles = remembered  # type: ignore[attr-defined]
    return remembered


def granted(user: Actor, permission: Permission) -> bool:
    """Whether any of the person's roles holds the permission; no person, no permission."""
    return any(permission in ROLE_PERMISSIONS[role] for role in roles_of(user))


def require(user: Actor, permission: Permission) -> User:
    """Return the person when they hold the permission.

    Raises
    ------
    NotPermitted
        When there is no person, or none of their roles holds it.
    """
    if not isinstance(user, User) or not granted(user, permission):
        raise NotPermitted(
            f"This needs the permission {permission.value!r}. Ask an operator for a role that has it."
        )
    return user
