"""Builds the services for administrators; a part of wiring.py."""

from functools import cached_property

from sqlalchemy.orm import Session

from backend.resources import Resources
from backend.services.accounts import Accounts
from backend.services.administration.audit import Audit
from backend.services.administration.failures import Failures
from backend.services.administration.fleet import Fleet
from backend.services.administration.models import ServedModels
from backend.services.administration.queue import QueueView
from backend.services.administration.scale import Scales
from backend.services.administration.tasks import AllTasks
from backend.services.administration.usage import Usage
from backend.services.administration.users import Users
from backend.services.generations import Generations
from backend.services.quotas import Quotas
from shared.workers import Workers


class Administration:
    """Those of one request, made when first asked for."""

    def __init__(
        self,
        session: Session,
        accounts: Accounts,
        generations: Generations,
        quotas: Quotas,
        workers: Workers,
        resources: Resources,
    ) -> None:
        self._session = session
        self._accounts = accounts
        self._generations = generations
        self._quotas = quotas
        self._workers = workers
        self._resources = resources

    @cached_property
    def audit(self) -> Audit:
        return Audit(self._session)

    @cached_property
    def fleet(self) -> Fleet:
        return Fleet(self._workers, self.audit)

    @cached_property
    def queue(self) -> QueueView:
        return QueueView(self._session, self._resources.catalog, self._workers)

    @cached_property
    def scales(self) -> Scales:
        r = self._resources
        return Scales(r.reads, r.catalog, r.settings.running_cap)

    @cached_property
    def models(self) -> ServedModels:
        return ServedModels(self._resources.reads, self._resources.catalog, self._workers)

    @cached_property
    def tasks(self) -> AllTasks:
        r = self._resources
        return AllTasks(self._session, self._generations, r.links, self.audit, r.settings.admins_see_content)

    @cached_property
    def failures(self) -> Failures:
        return Failures(self._session, self._generations, self.audit)

    @cached_property
    def users(self) -> Users:
        return Users(self._session, self._accounts, self._generations, self._quotas, self.audit)

    @property
    def usage(self) -> Usage:
        return self._resources.usage
