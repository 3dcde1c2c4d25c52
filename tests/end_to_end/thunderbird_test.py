#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's Thunderbird with Postern: logs in by IMAPS, shows the inbox, sends through 587, files the copy, hears of new mail.

It runs under Xvfb inside the laboratory, with a profile written by this script. What a person would do with the mouse is done
by scripts inside Thunderbird (marionette.py). A picture of its window goes to $POSTERN_BUILD/thunderbird.png.
"""
import email
import email.policy
import imaplib
import json
import os
import shutil
import smtplib
import time
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

import lab as laboratory
from lab import ADDRESSES, wait_for
from marionette import Failure, Marionette

ALICE, BOB = laboratory.LOCAL
CAROL = laboratory.PARTNER[0]
PROGRAM = "/usr/lib/thunderbird/thunderbird"  # not the wrapper in /usr/bin: signals must reach it
MARIONETTE_PORT = 2828
START_LIMIT = 90.0  # seconds; a first start reads its whole program from the disk
STEP_LIMIT = 30.0
WIDTH, HEIGHT, FOLDERS_WIDTH = 1280, 800, 280

OUTGOING = "Écrit par Thunderbird — 587"
LATER = "While you were reading"


# ---- the mail that lies in the inbox beforehand

def letter(sender, subject, text, hours_ago, token, **fields):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, f"Alice Linden <{ALICE}>", subject
    message["Date"] = formatdate(time.time() - hours_ago * 3600, localtime=True)
    message["Message-ID"] = f"<{token}@letters.test>"
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def letters():
    """(sender, message) pairs, oldest first."""
    bob, carol = f"Bob Ahlers <{BOB}>", f"Carol Nygård <{CAROL}>"
    yield BOB, letter(bob, "Keys to the boat house", "The spare keys hang behind the door of the workshop.\n\nBob\n", 52, "keys")
    plan = letter(bob, "Plan for Saturday", "Meeting at nine at the landing stage; the list is attached.\n\nBob\n", 27, "plan")
    plan.add_attachment("rope\nlanterns\ntea, two cans\n", filename="what to bring.txt")
    yield BOB, plan
    greeting = letter(carol, "Grüße aus Malmö", "Hej Alice,\n\nviele Grüße vom Öresund!\n", 3, "malmo")
    greeting.add_alternative(f"""<html><body><p>Hej Alice,</p>
<p>viele Grüße vom Öresund! Das Wetter ist <b>herrlich</b>, und im Hafen liegen heute diese Schiffe:</p>
<table border="1" cellpadding="6" style="border-collapse: collapse">
<tr><th>Schiff</th><th>Heimathafen</th><th>Baujahr</th></tr>
<tr><td>Ægir</td><td>København</td><td>1931</td></tr>
<tr><td>Smørhaven</td><td>Ålesund</td><td>1954</td></tr>
<tr><td>Łódka</td><td>Gdańsk</td><td>1978</td></tr></table>
<p>Bis Sonntag,<br>Carol</p></body></html>""", subtype="html")
    yield CAROL, greeting
    yield BOB, letter(bob, "Re: Plan for Saturday", "PS: if it rains we meet in the boat house.\n", 1, "plan-2",
                      In_Reply_To="<plan@letters.test>", References="<plan@letters.test>")


def deliver(lab):
    """Bob's letters come by submission, Carol's from her own server to port 25."""
    def from_outside(sender, message):
        with smtplib.SMTP(ADDRESSES["mx"], 25, local_hostname="mx.partner.test", timeout=60) as client:
            client.starttls(context=lab.tls())
            client.sendmail(sender, [ALICE], message)
    for number, (sender, message) in enumerate(letters(), 1):
        data = message.as_bytes(policy=email.policy.SMTP)
        if sender == CAROL:
            lab.inside("partner", from_outside, sender, data)
        else:
            lab.submit(sender, [ALICE], data)
        wait_for(lambda: len(lab.messages(ALICE)) == number, f"letter {number} in the inbox")


# ---- Thunderbird

def preferences():
    """One account, as its assistant would write it; nothing that asks, updates, reports or phones home."""
    server, identity, smtp = "mail.server.server1", "mail.identity.id1", "mail.smtpserver.smtp1"
    mailbox = f"imap://{ALICE.replace('@', '%40')}@mx.postern.test"
    return {
        "mail.accountmanager.accounts": "account1", "mail.accountmanager.defaultaccount": "account1",
        "mail.account.account1.server": "server1", "mail.account.account1.identities": "id1", "mail.account.lastKey": 1,
        f"{server}.type": "imap", f"{server}.hostname": "mx.postern.test", f"{server}.port": 993,
        f"{server}.socketType": 3, f"{server}.authMethod": 3,  # TLS from the start; normal password
        f"{server}.userName": ALICE, f"{server}.name": ALICE, f"{server}.login_at_startup": False,
        f"{server}.check_new_mail": False,  # new mail must come by IDLE
        f"{identity}.fullName": "Alice Linden", f"{identity}.useremail": ALICE, f"{identity}.valid": True,
        f"{identity}.smtpServer": "smtp1", f"{identity}.fcc": True, f"{identity}.fcc_folder": f"{mailbox}/Sent",
        f"{identity}.compose_html": False,
        "mail.smtpservers": "smtp1", "mail.smtp.defaultserver": "smtp1", f"{smtp}.hostname": "mx.postern.test",
        f"{smtp}.port": 587, f"{smtp}.try_ssl": 2, f"{smtp}.authMethod": 3, f"{smtp}.username": ALICE,  # STARTTLS
        # no first-run pages, no questions
        "mail.provider.suppress_dialog_on_startup": True, "mail.spotlight.firstRunDone": True, "mail.rights.version": 1,
        "mail.shell.checkDefaultClient": False, "mailnews.start_page.enabled": False, "mail.account_hub.enabled": False,
        "mailnews.start_page_override.mstone": "ignore", "app.donation.eoy.version.viewed": 999,
        "mail.inappnotifications.enabled": False, "mail.biff.show_alert": False, "toolkit.startup.max_resumed_crashes": -1,
        "mail.pane_config.dynamic": 0, "mail.threadpane.listview": 1, "mail.addressDisplayFormat": 2,  # list above, message below
        # nothing beyond the mail server
        "app.update.enabled": False, "app.update.auto": False, "extensions.update.enabled": False,
        "extensions.getAddons.cache.enabled": False, "extensions.systemAddon.update.enabled": False,
        "extensions.blocklist.enabled": False, "datareporting.policy.dataSubmissionEnabled": False,
        "datareporting.healthreport.uploadEnabled": False, "toolkit.telemetry.enabled": False,
        "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
        "toolkit.telemetry.unified": False, "toolkit.telemetry.server": "", "services.settings.server": "data:,",
        "network.captive-portal-service.enabled": False, "network.connectivity-service.enabled": False, "network.trr.mode": 5,
        "browser.safebrowsing.malware.enabled": False, "browser.safebrowsing.phishing.enabled": False, "geo.enabled": False,
        "mail.phishing.detection.enabled": False, "security.OCSP.enabled": 0, "dom.push.connection.enabled": False,
        "marionette.port": MARIONETTE_PORT, "remote.prefs.recommended": False,
    }


def write_profile(folder):
    folder.mkdir(parents=True)
    (folder / "user.js").write_text("".join(f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in preferences().items()))


def start_display(lab):
    """Xvfb in the namespace, for abstract sockets live there; gives the display's name."""
    lab.start("xvfb", "mx", "Xvfb", "-displayfd", "1", "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp")
    log = lab.folder / "xvfb.log"
    return ":" + wait_for(lambda: next((line for line in log.read_text().split("\n")[:-1] if line.isdigit()), None),
                          "Xvfb's start", STEP_LIMIT)


def start_thunderbird(lab, display):
    home = lab.folder / "home"
    write_profile(home / "profile")
    runtime = home / "runtime"
    runtime.mkdir(mode=0o700)
    settings = {"HOME": home, "XDG_RUNTIME_DIR": runtime, "DISPLAY": display, "MOZ_ENABLE_WAYLAND": 0, "LANG": "C.UTF-8",
                "TZ": "UTC", "DBUS_SESSION_BUS_ADDRESS": "disabled:", "NO_AT_BRIDGE": 1, "MOZ_CRASHREPORTER_DISABLE": 1,
                "GDK_BACKEND": "x11", "LIBGL_ALWAYS_SOFTWARE": 1}
    if "POSTERN_MOZ_LOG" in os.environ:  # for instance IMAP:5,SMTP:5
        settings |= {"MOZ_LOG": "timestamp," + os.environ["POSTERN_MOZ_LOG"], "MOZ_LOG_FILE": lab.folder / "moz"}
    words = [f"{name}={value}" for name, value in settings.items()]
    process = lab.start("thunderbird", "mx", "env", *words, PROGRAM, "--no-remote", "--profile", home / "profile",
                        "--marionette", "--remote-allow-system-access")

    def connect():
        assert process.poll() is None, f"Thunderbird ended with code {process.returncode}"
        try:
            return lab.inside("mx", Marionette, MARIONETTE_PORT, START_LIMIT)
        except OSError:
            return None
    driver = wait_for(connect, "Thunderbird's start", START_LIMIT)
    wait_for(lambda: driver.script("""
        const main = Services.wm.getMostRecentWindow("mail:3pane");
        const pane = main?.document.getElementById("tabmail")?.currentAbout3Pane;
        return !!pane?.folderTree && pane.document.readyState == "complete";
        """), "Thunderbird's main window", START_LIMIT)
    return driver


def trust(lab, driver):
    """What the user types once: that the laboratory's CA is to be trusted, and the password for either server."""
    certificate = "".join(line for line in lab.authority.certificate.read_text().splitlines() if not line.startswith("-----"))
    driver.script("""
        const [certificate, user, password] = args;
        Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(certificate, "C,,");
        for (const place of ["imap://mx.postern.test", "smtp://mx.postern.test"]) {
          const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
          login.init(place, null, place, user, password, "", "");
          await Services.logins.addLoginAsync(login);
        }""", certificate, ALICE, lab.passwords[ALICE])


# Common to the scripts below: the main window, its mail pane, the account's server and the inbox.
COMMON = """
    const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
    const main = Services.wm.getMostRecentWindow("mail:3pane");
    const pane = main.document.getElementById("tabmail").currentAbout3Pane;
    const server = MailServices.accounts.defaultAccount.incomingServer;
    const inbox = server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
"""


def subjects(driver):
    """Shows the inbox; the subjects in the order of the message list, threads unfolded. Empty while there is no inbox yet."""
    return driver.script(COMMON + """
        if (!inbox) return [];
        if (pane.gFolder?.URI != inbox.URI) pane.displayFolder(inbox);
        if (!pane.gDBView) return [];
        pane.gDBView.doCommand(Ci.nsMsgViewCommandType.expandAll);
        const out = [];
        for (let row = 0; row < pane.gDBView.rowCount; row++) out.push(pane.gDBView.getMsgHdrAt(row).mime2DecodedSubject);
        return out;""")


def check_inbox(lab, driver):
    """Logs in by IMAPS and lists the letters."""
    log = lab.folder / "postern.log"
    before = len(log.read_text())
    driver.script(COMMON + """
        main.moveTo(0, 0);
        main.resizeTo(args[0], args[1]);
        pane.folderPaneSplitter.width = args[2];
        server.getNewMessages(inbox ?? server.rootFolder, null, null);""", WIDTH, HEIGHT, FOLDERS_WIDTH)
    wait_for(lambda: any("auth login" in line and "protocol=imap" in line and ALICE in line
                         for line in log.read_text()[before:].splitlines()), "Thunderbird's login", STEP_LIMIT)
    expected = sorted(str(message["Subject"]).removeprefix("Re: ") for _, message in letters())
    wait_for(lambda: sorted(subjects(driver)) == expected, "the list of the letters", STEP_LIMIT)
    print("ok   logs in by IMAPS and shows the inbox", flush=True)


def check_message(lab, driver):
    """Opens Carol's letter: text and HTML are shown, and the server learns that it was read."""
    wait_for(lambda: driver.script(COMMON + """
        for (let row = 0; row < pane.gDBView.rowCount; row++) {
          if (pane.gDBView.getMsgHdrAt(row).messageId == args[0]) pane.threadTree.selectedIndex = row;
        }
        const shown = pane.messageBrowser?.contentWindow;
        const text = shown?.getMessagePaneBrowser?.()?.contentDocument?.body?.textContent ?? "";
        return shown?.gMessage?.messageId == args[0] && text.includes(args[1]);""", "malmo@letters.test", "Ålesund"),
        "the display of the message", STEP_LIMIT)
    wait_for(lambda: seen(lab, ALICE, "malmo@letters.test"), "the Seen flag on the server", STEP_LIMIT)
    print("ok   shows a message; the server knows that it was read", flush=True)


def seen(lab, user, token):
    def ask():
        with imaplib.IMAP4_SSL(ADDRESSES["mx"], 993, ssl_context=lab.tls()) as client:
            client.login(user, lab.passwords[user])
            client.select("INBOX", readonly=True)
            return client.search(None, "SEEN", "HEADER", "Message-ID", token)[1][0] != b""
    return lab.inside("mx", ask)


def check_sending(lab, driver):
    """Writes in the compose window and presses its Send button: the letter comes to Bob, its copy lies in Sent."""
    driver.script(COMMON + """
        const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
        [fields.to, fields.subject, fields.body] = args;
        const params = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
        params.composeFields = fields;
        params.identity = MailServices.accounts.defaultAccount.defaultIdentity;
        params.format = Ci.nsIMsgCompFormat.PlainText;
        params.type = Ci.nsIMsgCompType.New;
        MailServices.compose.OpenComposeWindowWithParams(null, params);""",
                  f"Bob Ahlers <{BOB}>", OUTGOING, "Käse, Brot und Äpfel sind eingepackt.\n\nAlice\n")
    wait_for(lambda: driver.script("""
        const writing = Services.wm.getMostRecentWindow("msgcompose");
        const button = writing?.document.getElementById("button-send");
        if (!writing?.gMsgCompose?.editor || !button || button.disabled) return false;
        button.click();
        return true;"""), "the compose window", STEP_LIMIT)
    message = email.message_from_bytes(lab.wait_for_message(BOB, "Thunderbird", STEP_LIMIT), policy=email.policy.default)
    assert message["Subject"] == OUTGOING and "Äpfel" in message.get_content(), message.as_string()
    assert "Thunderbird" in message["User-Agent"], message.as_string()
    assert "ESMTPSA" in message["Received"], "it did not come by authenticated submission"
    lab.wait_for_message(ALICE, message["Message-ID"], STEP_LIMIT, mailbox="Sent")
    wait_for(lambda: driver.script('return !Services.wm.getMostRecentWindow("msgcompose");'), "the end of composing", STEP_LIMIT)
    print("ok   sends through 587; the copy lies in Sent", flush=True)


def check_new_mail(lab, driver):
    """A letter that comes now appears by itself: Thunderbird is in IDLE."""
    lab.submit(BOB, [ALICE], letter(f"Bob Ahlers <{BOB}>", LATER, "The apples are lovely.\n\nBob\n", 0, "later")
               .as_bytes(policy=email.policy.SMTP))
    wait_for(lambda: LATER in subjects(driver), "the arrival of new mail in the list", STEP_LIMIT)
    print("ok   new mail appears by itself", flush=True)


def take_picture(lab, display, name):
    folder = Path(os.environ.get("POSTERN_BUILD", "."))
    lab.run("mx", "import", "-display", display, "-window", "root", "-depth", "8", "-strip", folder / name)


def main():
    laboratory.need("ip", "nft", "knotd")
    missing = [p for p in (PROGRAM, "Xvfb", "import") if not shutil.which(p)]
    if missing:
        laboratory.skip(f"not installed: {' '.join(missing)} (tools/deps desktop)")
    with laboratory.Lab(peers=False) as lab:
        lab.start_postern()
        deliver(lab)
        display = start_display(lab)
        driver = start_thunderbird(lab, display)
        try:
            trust(lab, driver)
            check_inbox(lab, driver)
            check_sending(lab, driver)
            check_new_mail(lab, driver)
            check_message(lab, driver)
        except (AssertionError, Failure, OSError):
            take_picture(lab, display, "thunderbird-failed.png")
            raise
        wait_for(lambda: driver.script(COMMON + """
            main.document.getElementById("statusText").value = "";  // it keeps the news of finished work
            return main.document.getElementById("statusbar-progresspanel").hidden;"""), "the end of all work", STEP_LIMIT)
        take_picture(lab, display, "thunderbird.png")
        driver.quit()
        code = lab.processes["thunderbird"].wait(timeout=STEP_LIMIT)
        assert code == 0, f"Thunderbird ended with code {code}"
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


if __name__ == "__main__":
    main()
