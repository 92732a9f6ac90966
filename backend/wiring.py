"""The one place that builds a service from session, queue, storage and catalogue."""

from functools import cached_property
from typing import cast

from flask import current_app, g
from sqlalchemy.orm import Session

from backend import tracing
from backend.administration import Administration
from backend.database import sql
from backend.mail_texts import code_mail
from backend.resources import Resources
from backend.services.accounts import Accounts
from backend.services.admission import Admission
from backend.services.advice import Advice
from backend.services.avatar_urls import AvatarUrls
from backend.services.avatars import Avatars
from backend.services.captchas import Captchas
from backend.services.codes import Codes
from backend.services.erasure import Erasure
from backend.services.favorites import Favorites
from backend.services.files import Files
from backend.services.gauges import Gauges
from backend.services.generations import Generations
from backend.services.history import History
from backend.services.links import Links
from backend.services.models import Models
from backend.services.orders import Orders
from backend.services.previews import Previews
from backend.services.profiles import Profiles
from backend.services.prompts import Prompts
from backend.services.provider_keys import ProviderKeys
from backend.services.quotas import Quotas
from backend.services.readiness import Readiness
from backend.services.references import References
from backend.services.sign_ups import SignUps
from backend.services.takeout import TakeOuts
from backend.services.tasks import Tasks
from backend.services.tokens import DenyList, Tokens
from backend.services.trash import Trash
from backend.services.uploads import Uploads
from backend.services.verification import Verification
from backend.services.waiting import Waiting
from shared.settings import Settings
from shared.workers import Workers


class Services:
    """The services of one request, made when first asked for."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    @cached_property
    def _session(self) -> Session:
        return sql.session()

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self._session, self.codes, self.avatars, self._resources.patience)

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(self._resources.reads)

    @cached_property
    def deny_list(self) -> DenyList:
        return DenyList(self._session)

    @cached_property
    def sign_ups(self) -> SignUps:
        return SignUps(self.accounts, self.captchas, self._resources.settings.captcha_required)

    @cached_property
    def captchas(self) -> Captchas:
        return Captchas(self._resources.redis)

    @cached_property
    def avatar_urls(self) -> AvatarUrls:
        return AvatarUrls(self.accounts, self._resources.addresses)

    @cached_property
    def avatars(self) -> Avatars:
        return Avatars(self._resources.storage, self._resources.pictures)

    @cached_property
    def codes(self) -> Codes:
        r = self._resources
        secret = r.settings.secret_key.get_secret_value()
        return Codes(self._session, r.mailer, code_mail, secret, limited=r.settings.limits)

    @cached_property
    def generations(self) -> Generations:
        r = self._resources
        order = (self.tasks, self.orders, self.references, self.admission)
        return Generations(self._session, *order, r.queue, r.progress, tracing.request_id())

    @cached_property
    def advice(self) -> Advice:
        return Advice(self._resources.catalog)

    @cached_property
    def admission(self) -> Admission:
        r = self._resources
        return Admission(self._session, r.forecasts, self.quotas, r.settings.queue_cap)

    @cached_property
    def tasks(self) -> Tasks:
        r = self._resources
        return Tasks(r.reads, r.task_rows, r.recent, r.links, r.forecasts)

    @cached_property
    def previews(self) -> Previews:
        return Previews(self._resources.reads, self._resources.progress)

    @cached_property
    def orders(self) -> Orders:
        r = self._resources
        return Orders(r.catalog, self.references, self.provider_keys, r.settings.prompt_max_length, r.blocked)

    @cached_property
    def provider_keys(self) -> ProviderKeys:
        r = self._resources
        return ProviderKeys(self._session, r.vault, r.settings, r.provider_room)

    @cached_property
    def prompts(self) -> Prompts:
        return Prompts(self.provider_keys, self._resources.settings.prompt_max_length)

    @cached_property
    def profiles(self) -> Profiles:
        return Profiles(self._session)

    @cached_property
    def verification(self) -> Verification:
        return Verification(self._session, self.codes, self.accounts)

    @cached_property
    def models(self) -> Models:
        return Models(self._resources.catalog)

    @cached_property
    def waiting(self) -> Waiting:
        return Waiting(self.tasks, self._resources.watch)

    @cached_property
    def references(self) -> References:
        return References(self._session, self.files, self.uploads)

    @cached_property
    def uploads(self) -> Uploads:
        r = self._resources
        fetcher = r.fetcher if r.settings.fetch_images else None
        return Uploads(self._session, r.storage, r.pictures, fetcher, self.quotas)

    @cached_property
    def files(self) -> Files:
        return Files(self._session, self._resources.storage)

    @cached_property
    def history(self) -> History:
        return History(self._session, self.links, self.favorites, self._resources.settings.admins_see_content)

    @cached_property
    def favorites(self) -> Favorites:
        return Favorites(self._session, self.files, self._resources.settings.favorites_max)

    @cached_property
    def trash(self) -> Trash:
        r = self._resources
        return Trash(self._session, self.favorites, r.storage, r.links, r.settings.trash_days)

    @cached_property
    def quotas(self) -> Quotas:
        return Quotas(self._session, self._resources.settings.quota_mb)

    @cached_property
    def links(self) -> Links:
        return self._resources.links

    @cached_property
    def administration(self) -> Administration:
        return Administration(
            self._session, self.accounts, self.generations, self.quotas, self._workers, self._resources
        )

    @cached_property
    def erasure(self) -> Erasure:
        audit = self.administration.audit
        return Erasure(self._session, self.accounts, self.generations, self.avatars, audit)

    @cached_property
    def takeouts(self) -> TakeOuts:
        r = self._resources
        told = (self.profiles, self.quotas, self.provider_keys)
        return TakeOuts(r.reads, r.storage, *told, r.takeout_turns, r.settings.trash_days)

    @property
    def settings(self) -> Settings:
        return self._resources.settings

    @cached_property
    def gauges(self) -> Gauges:
        return Gauges(self._resources.reads, self._workers)

    @cached_property
    def readiness(self) -> Readiness:
        r = self._resources
        return Readiness(self._session, r.redis, r.storage, self._workers)

    @cached_property
    def _workers(self) -> Workers:
        return Workers(self._session, self._resources.settings.lease_seconds)


def services() -> Services:
    """The current request's services; its session begins when one of them first uses it."""
    if "services" not in g:
        g.services = Services(current_app.extensions["darkroom"])
    return cast(Services, g.services)
