"""How forms are drawn, whatever room they come from."""

from datetime import date

from django import forms


class Sample(forms.Form):
    """One field of each kind that the look treats apart."""

    day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), help_text="The first one.")
    word = forms.CharField()
    tick = forms.BooleanField(required=False)
    pick = forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect)


def test_a_browsers_date_field_gets_a_date_that_it_understands() -> None:
    assert 'value="2026-11-22"' in str(Sample(initial={"day": date(2026, 11, 22)})["day"])


def test_a_refused_form_begins_with_a_summary_that_leads_to_the_fields() -> None:
    drawn = str(Sample({"day": "never", "word": ""}))
    assert 'role="alert" tabindex="-1" data-focus' in drawn
    assert '<a href="#id_word">Word: This field is required.</a>' in drawn
    assert 'aria-describedby="id_day_helptext id_day_error"' in drawn
    assert '<ul class="field-errors" id="id_day_error">' in drawn


def test_a_group_of_choices_is_a_fieldset_and_a_tick_stands_before_its_label() -> None:
    drawn = str(Sample())
    assert '<legend class="form-label">Pick</legend>' in drawn
    assert 'class="form-check-input"' in drawn
    assert drawn.index('name="tick"') < drawn.index("Tick</span>")


def test_optional_fields_say_so() -> None:
    class Loose(forms.Form):
        note = forms.CharField(required=False)

    assert '<span class="optional">(optional)</span>' in str(Loose())


def test_a_field_with_a_class_of_its_own_keeps_the_look() -> None:
    class Raw(forms.Form):
        sample = forms.CharField(widget=forms.Textarea(attrs={"class": "mono"}))

    assert 'class="form-control mono"' in str(Raw())
    assert 'class="form-control mono is-invalid"' in str(Raw({}))
