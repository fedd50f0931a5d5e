"""How forms are drawn: labels, hints and faults in one place, in the look of the pages."""

from typing import Any, Final

from django.forms import BaseForm, BoundField, CheckboxInput, Field, Select, Textarea
from django.forms.renderers import TemplatesSetting
from django.forms.widgets import Input

BROWSER_FORMATS: Final = {"date": "%Y-%m-%d", "datetime-local": "%Y-%m-%dT%H:%M", "time": "%H:%M"}
"""What a browser's own date and time fields take; a value in the reader's language would be shown as empty."""


class PortalField(BoundField):
    """A field that carries the look's classes and knows whether it is a single tick."""

    def __init__(self, form: BaseForm, field: Field, name: str) -> None:
        super().__init__(form, field, name)
        kind = getattr(field.widget, "input_type", "")
        if kind in BROWSER_FORMATS and getattr(field.widget, "format", "") is None:
            field.widget.format = BROWSER_FORMATS[kind]

    @property
    def is_tick(self) -> bool:
        """Whether the field is one checkbox, whose label stands after it."""
        return isinstance(self.field.widget, CheckboxInput)

    def build_widget_attrs(self, attrs: dict[str, Any], widget: Any = None) -> dict[str, Any]:
        """Add the class of the widget's kind, and what tells a reader that the value was refused."""
        built: dict[str, Any] = super().build_widget_attrs(attrs, widget)
        drawn = widget or self.field.widget
        if look := _look(drawn):
            wrong = "is-invalid" if self.errors and self.form.is_bound else ""
            words = dict.fromkeys([look, *drawn.attrs.get("class", "").split(), wrong])
            built["class"] = " ".join(filter(None, words))
        return built


def _look(widget: Any) -> str:
    if isinstance(widget, CheckboxInput):
        return "form-check-input"
    if isinstance(widget, Select):
        return "form-select"
    return "form-control" if isinstance(widget, Input | Textarea) else ""


class PortalForms(TemplatesSetting):
    """The project's form renderer (``FORM_RENDERER``)."""

    form_template_name = "components/_form.html"
    field_template_name = "components/_field.html"
    bound_field_class = PortalField
