"""Addresses of the reviews pages, under ``/t/<slug>/``."""

from django.urls import path

from reviews.views import absences, campaigns, desk, findings, signing, silence

app_name = "reviews"
urlpatterns = [
    path("campaigns/", campaigns.campaigns, name="campaigns"),
    path("campaigns/new/", campaigns.campaign_new, name="campaign_new"),
    path("campaigns/new/counts/", campaigns.campaign_counts, name="campaign_counts"),
    path("campaigns/signing/", signing.signing_rule, name="signing_rule"),
    path("campaigns/reviewers/", campaigns.reviewer_choices, name="reviewer_choices"),
    path("campaigns/<int:campaign_id>/", campaigns.campaign_page, name="campaign"),
    path("campaigns/<int:campaign_id>/open/", campaigns.campaign_open, name="campaign_open"),
    path("campaigns/<int:campaign_id>/items/", campaigns.campaign_items, name="items"),
    path("campaigns/<int:campaign_id>/items/<int:item_id>/", campaigns.campaign_item, name="campaign_item"),
    path("campaigns/<int:campaign_id>/care/", campaigns.care, name="care"),
    path("campaigns/<int:campaign_id>/remediations/", campaigns.remediations, name="remediations"),
    *(
        path(f"campaigns/<int:campaign_id>/{deed}/", campaigns.campaign_deed, {"deed": deed}, name=f"campaign_{deed}")
        for deed in campaigns.DEEDS
    ),
    path("campaigns/scope/<int:line_id>/waive/", campaigns.waive, name="waive"),
    path("campaigns/<int:campaign_id>/reviewers/<int:reviewer_id>/", campaigns.reassign, name="reassign"),
    path("remediations/<int:remediation_id>/accept/", campaigns.accept, name="accept"),
    path("remediations/<int:remediation_id>/claim/", campaigns.claim, name="claim"),
    path("findings/", findings.findings, name="findings"),
    path("findings/search/", findings.search, name="findings_search"),
    path("findings/<int:finding_id>/resolve/", findings.resolve, name="resolve"),
    path("findings/conflicts/", findings.conflicts, name="conflicts"),
    path("findings/conflicts/<int:conflict_id>/end/", findings.conflict_end, name="conflict_end"),
    path("absences/", absences.absences, name="absences"),
    path("absences/<int:absence_id>/end/", absences.absence_end, name="absence_end"),
    path("review/<int:campaign_id>/delegate/", absences.delegate, name="delegate"),
    path("unanswered/", silence.unanswered, name="unanswered"),
    path("unanswered/<int:silence_id>/", silence.answer, name="answer_silence"),
    path("inbox/", desk.inbox, name="inbox"),
    path("inbox/waiting/", desk.waiting, name="waiting"),
    path("review/<int:campaign_id>/", desk.review, name="review"),
    path("review/<int:campaign_id>/items/<int:item_id>/", desk.item, name="item"),
    path("review/<int:campaign_id>/items/<int:item_id>/decide/", desk.decide, name="decide"),
    path("review/<int:campaign_id>/bulk/", desk.bulk, name="bulk"),
    path("review/<int:campaign_id>/sign/", signing.sign, name="sign"),
    path("sign/<int:signature_id>/", signing.receipt, name="receipt"),
]
