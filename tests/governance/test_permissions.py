from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from pytest_django import DjangoAssertNumQueries

from governance.errors import NotPermitted
from governance.permissions import ROLE_PERMISSIONS, Permission, Role, granted, require, roles_of
from governance.services.roles import role_grant, roles_ensure
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

# Who may do what, written out a second time on purpose: widening a role must be decided here too.
STAFF = {Role.DATA_SCIENTIST, Role.COMPLIANCE_OFFICER, Role.EXECUTIVE}
HOLDERS = {
    Permission.SCORECARD_READ: STAFF,
    Permission.MODEL_READ: STAFF,
    Permission.DATASET_READ: STAFF,
    Permission.AUDIT_READ: STAFF,
    Permission.FINDING_READ: STAFF,
    Permission.MODEL_REGISTER: {Role.DATA_SCIENTIST},
    Permission.DATASET_REGISTER: {Role.DATA_SCIENTIST, Role.COMPLIANCE_OFFICER},
    Permission.ATTRIBUTE_REGISTER: {Role.COMPLIANCE_OFFICER},
    Permission.AUDIT_REQUEST: {Role.DATA_SCIENTIST, Role.COMPLIANCE_OFFICER},
    Permission.AUDIT_PLAN: {Role.COMPLIANCE_OFFICER},
    Permission.FINDING_ANSWER: {Role.COMPLIANCE_OFFICER},
    Permission.VERSION_SUSPEND: {Role.COMPLIANCE_OFFICER},
    Permission.LEDGER_READ: {Role.COMPLIANCE_OFFICER},
    Permission.TOKEN_MANAGE: {Role.DATA_SCIENTIST, Role.COMPLIANCE_OFFICER},
    Permission.PRIVACY_CENTRE_READ: {Role.CUSTOMER},
}


def holds_nothing(user: object) -> bool:
    return not any(granted(user, permission) for permission in Permission)  # type: ignore[arg-type]


@pytest.mark.parametrize("permission", Permission)
def test_each_permission_is_held_by_exactly_these_roles(
    permission: Permission, person_of_role: dict[Role, User]
) -> None:
    holders = {role for role, person in person_of_role.items() if granted(person, permission)}
    assert holders == HOLDERS[permission]


def test_nobody_and_anonymous_people_hold_nothing() -> None:
    assert holds_nothing(None)
    assert holds_nothing(AnonymousUser())


def test_an_inactive_person_holds_nothing() -> None:
    person = UserFactory.create(role=Role.COMPLIANCE_OFFICER, is_active=False)
    assert holds_nothing(person)
    assert roles_of(person) == frozenset()


def test_a_superuser_without_a_role_holds_nothing() -> None:
    assert holds_nothing(UserFactory.create(is_superuser=True, is_staff=True))


def test_an_unsaved_person_holds_nothing() -> None:
    assert holds_nothing(User(username="ghost"))


def test_a_group_that_is_no_role_grants_nothing() -> None:
    person = UserFactory.create()
    person.groups.add(Group.objects.create(name="Compliance officer"))
    assert holds_nothing(person)


def test_a_person_with_two_roles_holds_the_permissions_of_both(executive: User) -> None:
    role_grant(user=executive, role=Role.CUSTOMER)
    held = {permission for permission in Permission if granted(executive, permission)}
    assert held == ROLE_PERMISSIONS[Role.EXECUTIVE] | ROLE_PERMISSIONS[Role.CUSTOMER]


def test_require_returns_the_person_who_may(officer: User) -> None:
    assert require(officer, Permission.LEDGER_READ) is officer


@pytest.mark.parametrize("user", [None, AnonymousUser()], ids=["nobody", "anonymous"])
def test_require_refuses_who_is_not_signed_in(user: AnonymousUser | None) -> None:
    with pytest.raises(NotPermitted, match="'model:register'"):
        require(user, Permission.MODEL_REGISTER)


def test_require_refuses_who_lacks_it_and_names_the_permission(executive: User) -> None:
    with pytest.raises(NotPermitted, match="needs the permission 'finding:answer'") as caught:
        require(executive, Permission.FINDING_ANSWER)
    assert (caught.value.code, caught.value.status) == ("not-permitted", 403)


def test_roles_are_read_once_for_a_request(
    officer: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    fresh = User.objects.get(pk=officer.pk)
    with django_assert_num_queries(1):
        assert granted(fresh, Permission.LEDGER_READ)
        assert not granted(fresh, Permission.MODEL_REGISTER)


def test_a_role_granted_meanwhile_counts_at_once(executive: User) -> None:
    assert not granted(executive, Permission.LEDGER_READ)
    role_grant(user=executive, role=Role.COMPLIANCE_OFFICER)
    assert granted(executive, Permission.LEDGER_READ)


def test_every_role_has_its_group_after_migrating_and_once_only() -> None:
    roles_ensure()
    names = list(Group.objects.order_by("name").values_list("name", flat=True))
    assert names == ["compliance-officer", "customer", "data-scientist", "executive"]


def test_every_role_has_permissions_and_every_permission_a_holder() -> None:
    assert set(ROLE_PERMISSIONS) == set(Role)
    assert frozenset().union(*ROLE_PERMISSIONS.values()) == set(Permission)
