"""Opens the demo's review campaign and lets half of its reviewers decide and one of them sign."""

from datetime import datetime, timedelta

from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.utils import timezone

from identities.models import Identity, System
from identities.queries import identity_of_user
from reviews.actions import PlanFacts, create_campaign, create_plan, decide, open_campaign, sign_off
from reviews.kinds import Advice, Choice, Outcome, Strategy
from reviews.manifest import statement_digest
from reviews.models import Assignment, Campaign, ReviewItem
from tenants.kinds import Actor
from tenants.models import User
from tenants.work import Progress
