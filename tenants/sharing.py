"""Sharing of single objects with a person, on django-guardian's direct tables: the one module that touches it."""

from typing import Final, TypeVar

from django.db import models, transaction
from guardian.shortcuts import assign_perm, get_objects_for_user, remove_perm

from tenants.audit import audit
from tenants.kinds import Actor, Permission, enforce, permit
from tenants.models import User

VIEW: Final = "view"
M = TypeVar("M", bound=models.Model)


def _codename(model: type[models.Model]) -> str:
    return f"{VIEW}_{model._meta.model_name}"


@transaction.atomic
def share(obj: models.Model, *, user: User, by: Actor) -> None:
    """Let a person see one object (a log source, a campaign, a pack) of the open tenant."""
    enforce(permit(by, Permission.SHARE_MANAGE, to="share this"))
    assign_perm(_codename(type(obj)), user, obj)
    audit("share.grant", by=by, target=str(obj), detail={"with": user.email, "kind": type(obj).__name__})


@transaction.atomic
def unshare(obj: models.Model, *, user: User, by: Actor) -> None:
    """Take the sight of one object back."""
    enforce(permit(by, Permission.SHARE_MANAGE, to="stop sharing this"))
    remove_perm(_codename(type(obj)), user, obj)
    audit("share.revoke", by=by, target=str(obj), detail={"with": user.email, "kind": type(obj).__name__})


def visible(by: Actor, rows: models.QuerySet[M]) -> models.QuerySet[M]:
    """Return those of the rows that the actor may see: all for the tenant's own roles, else the shared ones."""
    if by.sees_all_shareable:
        return rows
    return rows.filter(pk__in=shared_ids(by, rows.model))


def shared_ids(by: Actor, model: type[models.Model]) -> set[int]:
    """Return the ids of the objects of a model that are shared with the actor."""
    if by.user_id is None:
        return set()
    user = User.objects.get(pk=by.user_id)
    rows = get_objects_for_user(
        user,
        f"{model._meta.app_label}.{_codename(model)}",
        klass=model._default_manager.all(),
        with_superuser=False,
        accept_global_perms=False,
    )
    return set(rows.values_list("pk", flat=True))


def is_shared(by: Actor, obj: models.Model) -> bool:
    """Whether the actor may see the object."""
    return by.sees_all_shareable or obj.pk in shared_ids(by, type(obj))
