"""Mail by SMTP, to servers good and bad; what is in a mail; and the log in the place of a server."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from structlog.testing import capture_logs

from backend.mail_texts import code_mail
from backend.services.codes import Purpose
from backend.services.mail import LogMailer, Mail
from backend.services.smtp import Delivery, SmtpMailer
from shared.errors import MailFailed
from shared.settings import Settings
from tests.conftest import SECRET
from tests.fakes.smtp import GREETING, Sink

MAIL = Mail("carol@example.com", "012345", "A subject", "the text 验证码 012345", "<p>the html 012345</p>")
SECONDS = 0.5
CHINESE = ("Darkroom 重置密码验证码", "012345", "10 分钟", "忽略")
ENGLISH = ("Your code to reset your Darkroom password", "012345", "10 minutes", "ignore")


def settings(port: int, **others: Any) -> Settings:
    chosen = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", **others}
    return Settings(_env_file=None, secret_key=SECRET, mail_from="暗房 <art@example.org>", **chosen)


def mailer(port: int, **others: Any) -> SmtpMailer:
    return SmtpMailer(settings(port, **others))


def hurried(port: int, seconds: float = SECONDS, **others: Any) -> SmtpMailer:
    """One whose time is over soon, for servers that take theirs."""
    return SmtpMailer(settings(port, **others).model_copy(update={"smtp_seconds": seconds}))


def part(mail: object, kind: str) -> str:
    assert isinstance(mail, EmailMessage)
    body = mail.get_body((kind,))
    assert body
    content: str = body.get_content()
    return content.strip()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1, signed by nobody else, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sink")])
    begins = datetime.now(UTC) - timedelta(hours=1)
    unsigned = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begins, begins + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "sink.pem"
    path.write_bytes(secret + unsigned.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL's own variable: the service trusts whom the machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


def test_a_mail_arrives_in_both_forms() -> None:
    with Sink() as sink:
        mailer(sink.port).send(MAIL)

    [mail] = sink.mails
    assert (mail["To"], mail["From"], mail["Subject"]) == ("carol@example.com", "暗房 <art@example.org>", "A subject")
    assert (part(mail, "plain"), part(mail, "html")) == (MAIL.text, MAIL.html)
    assert mail.get_content_type() == "multipart/alternative"


def test_a_mail_has_what_mail_servers_look_for() -> None:
    with Sink() as sink:
        mailer(sink.port).send(MAIL)

    [mail] = sink.mails
    assert abs(parsedate_to_datetime(mail["Date"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert mail["Message-ID"].endswith("@example.org>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert sink.commands[0] == "ehlo example.org"


def test_by_default_the_connection_is_encrypted_before_anything_is_said(tls: ssl.SSLContext, trusted: None) -> None:
    with Sink(tls=tls) as sink:
        mailer(sink.port, smtp_security="starttls", smtp_user="art", smtp_password="secret").send(MAIL)

    commands = [command.split(" ")[0].upper() for command in sink.commands]
    assert sink.encrypted == [True]
    assert commands[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]


def test_the_connection_can_be_encrypted_from_the_first_byte(tls: ssl.SSLContext, trusted: None) -> None:
    with Sink(tls=tls, wrapped=True) as sink:
        mailer(sink.port, smtp_security="tls").send(MAIL)

    assert sink.encrypted == [True]


@pytest.mark.parametrize(("security", "wrapped"), [("starttls", False), ("tls", True)])
def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(
    tls: ssl.SSLContext, security: str, wrapped: bool
) -> None:
    with Sink(tls=tls, wrapped=wrapped) as sink, capture_logs() as logs, pytest.raises(MailFailed):
        mailer(sink.port, smtp_security=security, smtp_user="art", smtp_password="secret").send(MAIL)

    assert sink.mails == []
    assert [command for command in sink.commands if command.startswith("AUTH")] == []
    assert "CERTIFICATE_VERIFY_FAILED" in logs[0]["problem"]


def test_a_server_that_cannot_encrypt_gets_nothing() -> None:
    with Sink() as sink, pytest.raises(MailFailed):
        mailer(sink.port, smtp_security="starttls", smtp_user="art", smtp_password="secret").send(MAIL)

    assert [command.split(" ")[0] for command in sink.commands] == ["ehlo"]


@pytest.mark.parametrize("refuses", [GREETING, "AUTH", "MAIL", "RCPT", "DATA", "END"])
def test_a_refused_mail_has_failed_and_the_log_says_why(refuses: str) -> None:
    with Sink(refuses=refuses) as sink, capture_logs() as logs, pytest.raises(MailFailed):
        mailer(sink.port, smtp_user="art", smtp_password="open sesame").send(MAIL)

    assert [entry["event"] for entry in logs] == ["mail_failed"]
    assert f"550, b'not {refuses}'" in logs[0]["problem"]
    assert "open sesame" not in str(logs)


def test_a_server_that_is_not_there_is_a_failed_mail() -> None:
    with Sink() as sink:
        pass

    with pytest.raises(MailFailed):
        mailer(sink.port).send(MAIL)


@pytest.mark.parametrize("how", ["stalls", "drips"])
@pytest.mark.parametrize("when", [GREETING, "EHLO", "RCPT", "END"])
def test_a_server_that_takes_its_time_is_left_when_the_time_is_over(how: str, when: str) -> None:
    with Sink(**{how: when}) as sink:
        begun = datetime.now(UTC)
        with pytest.raises(MailFailed):
            hurried(sink.port).send(MAIL)
        took = datetime.now(UTC) - begun

        assert took < timedelta(seconds=SECONDS + 2)
        assert sink.left.wait(5)
    assert mail_threads_end()


@pytest.mark.parametrize("when", [GREETING, "RCPT"])
def test_an_encrypted_connection_is_left_too(tls: ssl.SSLContext, trusted: None, when: str) -> None:
    with Sink(drips=when, tls=tls, wrapped=True) as sink:
        with capture_logs() as logs, pytest.raises(MailFailed):
            hurried(sink.port, smtp_security="tls").send(MAIL)

        assert sink.left.wait(5)
    assert logs[0]["problem"] == "too slow"
    assert mail_threads_end()


def test_a_connection_that_comes_about_too_late_is_not_used() -> None:
    ended = threading.Event()

    with Sink() as sink:
        late = Delivery(settings(sink.port), EmailMessage(), ended.set)
        late.cut()
        late.start()
        late.join(5)

    assert ended.is_set()
    assert (late.taken, sink.commands) == (False, [])


def test_a_mail_that_was_taken_has_not_failed_when_the_server_does_not_say_goodbye() -> None:
    with Sink(stalls="QUIT") as sink:
        mailer(sink.port).send(MAIL)

    assert len(sink.mails) == 1


def test_while_a_server_hangs_only_half_of_the_threads_wait_for_it() -> None:
    with Sink(stalls="RCPT") as sink:
        slow = hurried(sink.port, seconds=2, web_threads=2, web_watchers=1)
        first = threading.Thread(target=fails, args=(slow,))
        first.start()
        assert sink.waits.wait(5)

        with capture_logs() as logs, pytest.raises(MailFailed):
            slow.send(MAIL)
        first.join()

    assert logs[0]["problem"] == "too many mails at the same time"


def test_a_server_that_hung_is_used_again_when_it_has_come_back() -> None:
    with Sink(stalls="RCPT") as sink:
        recovering = hurried(sink.port, seconds=2, web_threads=2, web_watchers=1)
        fails(recovering)
        assert sink.left.wait(5)
        assert mail_threads_end()
        sink.stalls = ""

        recovering.send(MAIL)

    assert len(sink.mails) == 1


def fails(slow: SmtpMailer) -> None:
    with suppress(MailFailed):
        slow.send(MAIL)


def mail_threads_end() -> bool:
    """Whether each thread that a mail was left to ends by itself."""
    left = [thread for thread in threading.enumerate() if thread.name == "mail"]
    for thread in left:
        thread.join(5)
    return not any(thread.is_alive() for thread in left)


@pytest.mark.parametrize(
    "address",
    [
        "carol@example.com\r\nBcc: everybody@example.com",
        "carol@example.com\nBcc: everybody@example.com",
        "carol@example.com>\r\nRCPT TO:<everybody@example.com",
        "carol@example.com, everybody@example.com",
        "carol@example.com\0",
        "Carol <carol@example.com>",
        "",
    ],
)
def test_what_is_not_one_address_is_mailed_to_nobody(address: str) -> None:
    with Sink() as sink, pytest.raises(MailFailed):
        mailer(sink.port).send(Mail(address, MAIL.code, MAIL.subject, MAIL.text, MAIL.html))

    assert sink.commands == []


def test_a_domain_in_any_script_is_reached() -> None:
    with Sink(extensions=()) as sink:
        mailer(sink.port).send(Mail("carol@bücher.example.com", MAIL.code, MAIL.subject, MAIL.text, MAIL.html))

    assert "rcpt TO:<carol@xn--bcher-kva.example.com>" in sink.commands


def test_a_name_in_any_script_is_reached_where_the_server_can() -> None:
    with Sink() as sink:
        mailer(sink.port).send(Mail("卡罗尔@example.com", MAIL.code, MAIL.subject, MAIL.text, MAIL.html))

    assert sink.mails[0]["To"] == "卡罗尔@example.com"


def test_a_name_that_the_server_cannot_write_is_a_failed_mail() -> None:
    with Sink(extensions=()) as sink, pytest.raises(MailFailed):
        mailer(sink.port).send(Mail("卡罗尔@example.com", MAIL.code, MAIL.subject, MAIL.text, MAIL.html))

    assert sink.mails == []


def test_without_a_server_the_code_is_in_the_log() -> None:
    with capture_logs() as logs:
        LogMailer().send(MAIL)

    [entry] = logs
    assert (entry["event"], entry["to"], entry["code"]) == ("mail_to_log", "carol@example.com", "012345")


@pytest.fixture
def in_language(served: Flask) -> Callable[[str], Mail]:
    def make(accepted: str) -> Mail:
        with served.test_request_context(headers={"Accept-Language": accepted} if accepted else {}):
            return code_mail(Purpose.PASSWORD_RESET, "carol@example.com", "012345")

    return make


@pytest.fixture
def served() -> Iterator[Flask]:
    return Flask(__name__)


@pytest.mark.parametrize(
    ("accepted", "expected", "tag"),
    [
        ("", CHINESE, "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", CHINESE, "zh"),
        ("fr", CHINESE, "zh"),
        ("en-US,en;q=0.9,zh;q=0.5", ENGLISH, "en"),
    ],
)
def test_the_mail_is_in_the_language_of_whoever_asked(
    in_language: Callable[[str], Mail], accepted: str, expected: tuple[str, ...], tag: str
) -> None:
    subject, *facts = expected

    mail = in_language(accepted)

    assert mail.subject == subject
    assert [fact for fact in facts if fact not in mail.text or fact not in mail.html] == []
    assert f'<html lang="{tag}">' in mail.html


@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_purpose_has_a_mail_of_its_own_that_names_the_service(served: Flask, language: str) -> None:
    with served.test_request_context(headers={"Accept-Language": language}):
        mails = [code_mail(purpose, "carol@example.com", "012345") for purpose in Purpose]

    assert all("Darkroom" in mail.subject and "Darkroom" in mail.text and "Darkroom" in mail.html for mail in mails)
    assert len({mail.subject for mail in mails}) == len({mail.text for mail in mails}) == len(Purpose)
