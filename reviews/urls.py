"""Addresses of the reviews pages, under ``/t/<slug>/``."""

from django.urls import path

from reviews.views import absences, campaigns, desk, findings, logreviews, signing, silence

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
    path("review/<int:campaign_id>/", desk.review, name="review"),
    path("review/<int:campaign_id>/items/<int:item_id>/", desk.item, name="item"),
    path("review/<int:campaign_id>/items/<int:item_id>/decide/", desk.decide, name="decide"),
    path("review/<int:campaign_id>/bulk/", desk.bulk, name="bulk"),
    path("review/<int:campaign_id>/sign/", signing.sign, name="sign"),
    path("sign/<int:signature_id>/", signing.receipt, name="receipt"),
    path("log-reviews/", logreviews.log_reviews, name="log_reviews"),
    path("log-reviews/new/", logreviews.log_schedule_new, name="log_schedule_new"),
    path("log-reviews/schedules/<int:schedule_id>/", logreviews.log_schedule, name="log_schedule"),
    path("log-reviews/schedules/<int:schedule_id>/end/", logreviews.log_schedule_end, name="log_schedule_end"),
    path("log-reviews/signatures/<int:log_signature_id>/", logreviews.log_receipt, name="log_receipt"),
    path("log-reviews/follow-ups/<int:follow_up_id>/close/", logreviews.follow_up_close, name="follow_up_close"),
    path("log-reviews/<int:review_id>/", logreviews.log_review, name="log_review"),
    path("log-reviews/<int:review_id>/items/<int:log_item_id>/", logreviews.log_item, name="log_item"),
    path("log-reviews/<int:review_id>/items/<int:log_item_id>/dispose/", logreviews.log_dispose, name="log_dispose"),
    path("log-reviews/<int:review_id>/sign/", logreviews.log_sign, name="log_sign"),
]
