"""Reading what AWS, Okta, Entra and Azure export: the rows, the counts, and each trap told in one sentence."""

import base64
import json

import pytest

from identities.csvtable import BadFile
from identities.readers import read_population

AWS = """user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,\
mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,\
access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,\
access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated
<root_account>,arn:aws:iam::111122223333:root,2019-04-02T08:11:09+00:00,not_supported,2026-02-01T10:00:00+00:00,not_supported,\
not_supported,true,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A
ana.ruiz,arn:aws:iam::111122223333:user/ana.ruiz,2024-01-15T10:00:00+00:00,true,2026-10-30T12:00:00+00:00,\
2026-09-01T00:00:00+00:00,N/A,true,true,2025-05-01T09:00:00+00:00,2026-11-01T00:00:00+00:00,eu-west-1,s3,false,N/A,N/A,N/A,N/A,\
false,N/A,false,N/A
deploy-bot,arn:aws:iam::111122223333:user/deploy-bot,2023-02-01T00:00:00+00:00,false,N/A,N/A,N/A,false,true,\
2023-02-01T00:00:00+00:00,no_information,N/A,N/A,true,2026-01-01T00:00:00+00:00,N/A,N/A,N/A,false,N/A,false,N/A
old.joe,arn:aws:iam::111122223333:user/old.joe,2020-02-01T00:00:00+00:00,false,no_information,N/A,N/A,false,false,N/A,N/A,N/A,\
N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A
"""
OKTA = """User,Login,Application name,Application instance,Application login,Assigned on,Unassigned on,Last login
Ana Ruiz,ana@bpo.example,Salesforce,salesforce_emea,ana.ruiz@sf.example,2026-01-04T08:00:00Z,,2026-11-02T08:00:00Z
Ana Ruiz,ana@bpo.example,Jira,jira_1,ana,2026-01-04T08:00:00Z,2026-03-01T08:00:00Z,
Bob Lim,bob@bpo.example,Salesforce,salesforce_emea,,2025-01-04T08:00:00Z,,
"""
OKTA_APP = [
    {
        "id": "00u1",
        "status": "ACTIVE",
        "scope": "GROUP",
        "credentials": {"userName": "ana"},
        "profile": {"role": "Supervisor"},
        "_links": {
            "app": {"href": "https://bpo.okta.com/api/v1/apps/0oa1crm"},
            "group": {"href": "https://bpo.okta.com/api/v1/groups/00g1", "name": "CRM supervisors"},
        },
    },
    {
        "id": "00u2",
        "status": "SUSPENDED",
        "scope": "USER",
        "credentials": {"userName": "bob"},
        "_links": {"app": {"href": "https://bpo.okta.com/api/v1/apps/0oa1crm"}},
    },
]
PIM = """Assignment State,User Group Name,Resource Name,Role Name,Resource Type,Email,PrincipalName,Member Type,\
Assignment Start Time (UTC),Assignment End Time (UTC)
Active,Ana Ruiz,bpo.example,Global Administrator,Directory,ana@bpo.example,ana@bpo.example,Direct,2026-01-04 08:00:00,\
Permanent
Eligible,Help Desk,bpo.example,User Administrator,Directory,,bob@bpo.example,Group,2026-01-04 08:00:00,\
2027-01-04 08:00:00
"""
AZURE = """RoleAssignmentId,Scope,DisplayName,SignInName,RoleDefinitionName,RoleDefinitionId,ObjectId,\
ObjectType,CanDelegate
/subscriptions/s1/x/1,/subscriptions/s1,Ana Ruiz,ana@bpo.example,Owner,8e3a,o1,User,False
/subscriptions/s1/x/2,/subscriptions/s1/resourceGroups/pay,nightly,,Reader,acdd,o2,ServicePrincipal,False
"""
GRAPH = {
    "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#roleManagement/directory/roleAssignments(principal())",
    "value": [
        {
            "id": "lAPpYvVpN0KRkAEhdxReEMmO4KwRqtpKkUWt3wOYIz4-1",
            "principalId": "ace08ec9-aa11-4ada-9145-addf0398233e",
            "directoryScopeId": "/",
            "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10",
            "principal": {
                "@odata.type": "#microsoft.graph.servicePrincipal",
                "displayName": "Backup",
                "accountEnabled": False,
            },
        }
    ],
}
USERS = """userPrincipalName,displayName,surname,mail,givenName,objectId,userType,jobTitle,accountEnabled,\
telephoneNumber
ana@bpo.example,Ana Ruiz,Ruiz,ana@bpo.example,Ana,1,Member,Agent,True,+34 600 000 000
ext_client.example#EXT#@bpo.example,Client,,,,2,Guest,,False,
"""


def grants(form: str, text: str | bytes) -> dict[tuple[str, str], str]:
    """Returns what a reader says of each grant: kind, and marks for privileged, disabled and through what."""
    found = read_population(form, text.encode() if isinstance(text, str) else text)
    return {
        (row.account, row.entitlement): " ".join(
            [row.kind.value, *["privileged"] * row.privileged, *["off"] * (not row.enabled), row.inherited_via]
        ).strip()
        for row in found.rows
    }


def test_the_credential_report_gives_each_way_to_sign_in() -> None:
    found = grants("aws_iam", AWS)
    assert found == {
        ("<root_account>", "root user"): "break_glass privileged",
        ("ana.ruiz", "console password"): "human",
        ("ana.ruiz", "access key 1"): "human",
        ("deploy-bot", "access key 1"): "service",
        ("deploy-bot", "access key 2"): "service",
        ("old.joe", "account"): "human off",
    }
    answer = json.dumps({"Content": base64.b64encode(AWS.encode()).decode(), "ReportFormat": "text/csv"})
    assert (grants("aws_iam", answer), read_population("aws_iam", AWS.encode()).records) == (found, 4)


def test_okta_gives_assignments_with_the_group_they_come_through() -> None:
    assert grants("okta", OKTA) == {
        ("ana@bpo.example", "salesforce_emea"): "human",
        ("bob@bpo.example", "salesforce_emea"): "human",
    }
    pages = json.dumps(OKTA_APP[:1]) + "\n" + json.dumps(OKTA_APP[1:])
    assert grants("okta", pages) == {
        ("ana", "app 0oa1crm"): "human CRM supervisors",
        ("ana", "app 0oa1crm: Supervisor"): "human CRM supervisors",
        ("bob", "app 0oa1crm"): "human off",
    }
    assert read_population("okta", pages.encode()).records == 2


def test_entra_and_azure_give_roles_with_scope_state_and_group() -> None:
    assert grants("entra", PIM) == {
        ("ana@bpo.example", "Global Administrator"): "human privileged",
        ("bob@bpo.example", "User Administrator (eligible)"): "human privileged Help Desk",
    }
    assert grants("entra", AZURE) == {
        ("ana@bpo.example", "Owner on /subscriptions/s1"): "human privileged",
        ("nightly", "Reader on /subscriptions/s1/resourceGroups/pay"): "service",
    }
    assert grants("entra", json.dumps(GRAPH)) == {("Backup", "Global Administrator"): "service privileged off"}
    assert grants("entra", "\ufeff" + USERS) == {
        ("ana@bpo.example", "Entra member"): "human",
        ("ext_client.example#EXT#@bpo.example", "Entra guest"): "human off",
    }


TRAPS = {
    "half a report": ("aws_iam", AWS[:-40], "Line 5 has"),
    "a report without root": ("aws_iam", AWS.replace("<root_account>", "root"), "lacks the line of <root_account>"),
    "a renamed column": ("aws_iam", AWS.replace("cert_2_active", "cert2"), "lacks 'cert_2_active'"),
    "a doubled user": ("aws_iam", AWS + AWS.splitlines()[-1] + "\n", "Lines 5 and 6 both describe the user 'old.joe'"),
    "a strange word": ("aws_iam", AWS.replace("true,false,N/A", "true,maybe,N/A", 1), "'maybe'"),
    "no report in the answer": ("aws_iam", '{"State": "STARTED"}', "'Content'"),
    "a cut page": ("okta", json.dumps(OKTA_APP)[:-5], "It may be cut off"),
    "an error for a list": ("okta", '{"errorCode": "E0000011"}', "an error that the system answered"),
    "a strange status": ("okta", json.dumps(OKTA_APP).replace("SUSPENDED", "HAPPY"), "no status of Okta"),
    "an empty list": ("okta", "[]", "names no assignments"),
    "a next page": ("entra", json.dumps({**GRAPH, "@odata.nextLink": "https://x"}), "Fetch all pages"),
    "no names": ("entra", AZURE.replace("Ana Ruiz,ana@bpo.example", ","), "as a Directory Reader"),
    "no principal": ("entra", '[{"roleDefinitionId": "62e9"}]', "$expand=principal"),
    "a strange state": ("entra", PIM.replace("Eligible", "Perhaps"), "known are Active and Eligible"),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_is_told_in_one_sentence(trap: str) -> None:
    form, text, sentence = TRAPS[trap]
    with pytest.raises(BadFile) as refusal:
        read_population(form, text.encode())
    assert sentence in refusal.value.sentence
