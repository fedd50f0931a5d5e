"""Lines of network devices, whole and in pieces, for tests that try what nobody would write."""

from logs.kinds import Format
from tests.logs.parsers.test_cef_and_leef import cef
from tests.logs.parsers.test_gateways import forti, gp

TEXT_FORMATS = {
    Format.CISCO_ASA,
    Format.OPENVPN,
    Format.FREERADIUS,
    Format.GLOBALPROTECT,
    Format.FORTINET,
    Format.CEF,
    Format.LEEF,
}
AT = "Aug  4 10:00:01 gate "
WRAPPED = {
    Format.CISCO_ASA: f"{AT}%ASA-6-113039: Group <G> User <ana> IP <192.0.2.7> AnyConnect parent session started.",
    Format.OPENVPN: f"{AT}openvpn[7]: 192.0.2.7:4711 [ana] Peer Connection Initiated with [AF_INET]192.0.2.7:4711",
    Format.FREERADIUS: f"{AT}radiusd[7]: (1) Login OK: [ana] (from client gate port 0 cli 192.0.2.7)",
    Format.GLOBALPROTECT: gp("gateway-auth"),
    Format.FORTINET: forti(subtype="vpn", action="tunnel-up", user="ana", remip="192.0.2.7"),
    Format.CEF: cef("suser=ana src=192.0.2.7 rt=1785837601250"),
    Format.LEEF: "LEEF:1.0|V|P|1|login|usrName=ana\tdevTime=1785837601250",
}
PIECES = {
    Format.CISCO_ASA: [
        *("%ASA-6-113039: ", "%ASA-4-113019: ", "%ASA-6-113005: ", "%ASA-5-111008: ", "%ASA-5-111010: "),
        *("%ASA-6-605005: ", "%ASA-6-722051: ", "Group <", "> User <", "> IP <", "> ", "Group = ", ", Username = "),
        *(", IP = ", ", ", "Duration: ", "1d 2h:03m:04s", "reason = ", " : user = ", ": user IP = ", "Uname: "),
        *("User 'x' executed the '", "' command.", "', running 'CLI' from IP ", ", executed '", "*****", "Reason: "),
        *("Login permitted from 192.0.2.7/1 to inside:192.0.2.1/ssh for user ",),
    ],
    Format.OPENVPN: [
        *("openvpn[7]: ", "192.0.2.7:4711 ", "ana/192.0.2.7:4711 ", "[ana] Peer Connection Initiated with "),
        *("[AF_INET]", "TLS Auth Error: Auth Username/Password verification failed for peer", "VERIFY ERROR: "),
        *("depth=0, error=", "CN=", "MULTI: primary virtual IP for ", ": 10.8.0.6", "SIGTERM[soft,remote-exit] "),
        *("received, client-instance exiting", "SENT CONTROL [", "]: 'AUTH_FAILED'", "AUTH-PAM: BACKGROUND: user '"),
        *("2026-08-04 10:00:01 ", "Tue Aug  4 10:00:01 2026 ", "2001:db8::7:4711 ", "/", ":"),
    ],
    Format.FREERADIUS: [
        *("Tue Aug  4 10:00:01 2026", "\n\t", "\n", "\tAcct-Status-Type = ", "Stop", "Start", "\tUser-Name = ", '"'),
        *("\tTimestamp = ", "1785837601", "\tAcct-Input-Octets = ", "\tAcct-Input-Gigawords = ", "99999999999"),
        *("\tPacket-Type = Access-Reject", "radiusd[7]: ", " : Auth: ", "Login OK: [", "Login incorrect (", "): ["),
        *("] (from client gate port 0 cli ", ")", "\tAcct-Session-Time = ", "Disconnect: [", "\tCalling-Station-Id = "),
    ],
    Format.GLOBALPROTECT: [
        *("1,2026/08/04 10:00:01,", "GLOBALPROTECT,", "0,", ",", '"', "gateway-auth,", "gateway-logout,", "failure,"),
        *(",,,,,,,,,,", "CEF:0|", "|", "PanOSEventID=", "PanOSEventStatus=failure ", "PanOSSourceUserName="),
    ],
    Format.FORTINET: [
        *(
            "date=",
            "2026-08-04",
            " time=",
            "10:00:01",
            " type=event",
            ' subtype="vpn"',
            ' subtype="system"',
            ' action="',
        ),
        *("tunnel-down", "ssl-login-fail", "login", " duration=", " remip=", " user=", '"', " eventtime=1785837601"),
        *("\\", "=", " cfgpath=x", " sentbyte=", "99999999999999999999"),
    ],
    Format.CEF: [
        *(
            "CEF:0|",
            "a|b|1|c|",
            "|",
            "User login|",
            "3|",
            "suser=",
            "duser=",
            " src=",
            " rt=",
            "1785837601250",
            " end=",
        ),
        *(
            "Aug 04 2026 10:00:01",
            " cs1Label=",
            " cs1=",
            "\\",
            "\\=",
            "\\|",
            "\\n",
            " cnt=",
            " in=",
            " outcome=failure",
        ),
    ],
    Format.LEEF: [
        *("LEEF:1.0|", "LEEF:2.0|", "V|P|1|", "login|", "|", "^|", "x09|", "usrName=", "\t", "^", "src=", "devTime="),
        *("1785837601250", "devTimeFormat=", "yyyy-MM-dd HH:mm:ss", "sev=", "%", "'"),
    ],
}
