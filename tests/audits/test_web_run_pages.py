"""What a run's page makes of its measurements: forests, table, one verdict in full, versions side by side, mitigations."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audits.models import AuditRun, Measurement
from audits.presentation import Settings
from audits.selectors.comparison import comparable_versions, compared_with, version_comparisons
from audits.web.charts import forests
from audits.web.plan_fields import known_parameters
from governance.permissions import ROLE_PERMISSIONS, Permission
from tests.factories import AuditPlanFactory, AuditRunFactory, MeasurementFactory, ModelVersionFactory

TOLERANCE = [0.8, 1.25]


@pytest.fixture
def officer_client(client: Client, officer: User) -> Client:
    client.force_login(officer)
    return client


def compared(run: AuditRun, group: str, ratio: float | None, verdict: str, **fields: object) -> Measurement:
    """A group beside the others; ``tolerance_used`` follows from its ratio where none is given."""
    detail = {
        "reference": 0.32,
        "reference_n": 729,
        "ratio": ratio,
        "ratio_low": ratio and ratio * 0.9,
        "ratio_high": ratio and ratio * 1.1,
        "difference": -0.1,
        "difference_low": -0.2,
        "difference_high": -0.05,
        "test": "z",
        "p": 0.004,
        "p_adjusted": 0.02,
        "family": 6,
        "tolerance": TOLERANCE,
        **fields.pop("detail", {}),  # type: ignore[dict-item]
    }
    given = {"name": "selection-rate", "n": 72, "value": 0.167, "threshold": 0.8, "tolerance_used": 1.5}
    return MeasurementFactory.create(
        run=run, slice=group, verdict=verdict, **{**given, "detail": detail, **fields}
    )


def disparity(**fields: object) -> AuditRun:
    return AuditRunFactory.create(plan__kind="group-disparity", verdict="fail", **fields)


def drawn(text: str) -> list[str]:
    """Groups of the forests, in order."""
    return re.findall(r'<th scope="row"><a href="/runs/\d+/measurements/\d+/">([^<]+)</a>', text)


def rows(text: str) -> list[str]:
    """Slices of the table, in order."""
    return re.findall(r'class="slice">([^<]+)<', text)


def test_the_page_opens_with_the_worst_group_in_plain_words(officer_client):
    run = disparity()
    compared(run, "age=19-24", 0.9, "pass", tolerance_used=0.5)
    worst = compared(run, "age=65+", 0.52, "fail", tolerance_used=2.9)
    text = officer_client.get(f"/runs/{run.pk}/").text.replace("\u202f", " ")
    (opening,) = re.findall(r'<p class="opening">(.*?)</p>', text)
    assert opening == (
        "The group 65+ (age) was selected half as often as all others (16.7 % against 32.0 %; ratio 0.52, "
        "95 % interval 0.47–0.57). That is outside the tolerance of 0.80 to 1.25 and more than chance explains (p 0.020). "
        f'<a href="/runs/{run.pk}/measurements/{worst.pk}/">How this verdict was reached</a>'
    )


def test_groups_are_drawn_worst_first_and_those_without_enough_data_last_and_grey(officer_client):
    run = disparity()
    compared(run, "age=a", 0.9, "pass", tolerance_used=0.5)
    compared(
        run,
        "age=b",
        None,
        "insufficient",
        n=23,
        value=None,
        tolerance_used=None,
        detail={"reason": "23 rows; 30 are needed"},
    )
    compared(run, "age=c", 0.7, "review", tolerance_used=1.6)
    compared(run, "age=d", 0.5, "fail", tolerance_used=3.0)
    compared(run, "age=e", 0.2, "fail", tolerance_used=7.0)
    text = officer_client.get(f"/runs/{run.pk}/").text
    assert drawn(text) == ["age: e", "age: d", "age: c", "age: a", "age: b"]
    grey = re.findall(r'<tr class="faint">.*?</tr>', text, re.S)
    assert len(grey) == 1
    assert '<span class="sub">23 rows; 30 are needed.</span>' in grey[0]
    assert "Too little data" in grey[0]
    assert rows(text) == ["age: e", "age: d", "age: c", "age: a", "age: b"]


def test_a_forest_says_what_it_compares_and_what_is_tolerated(officer_client):
    run = disparity()
    compared(run, "age=65+", 0.5, "fail")
    text = officer_client.get(f"/runs/{run.pk}/").text
    assert "Ratio to everybody else, 95 % interval; shaded: tolerated 0.80–1.25" in text
    assert 'aria-label="age=65+: 0.500, interval 0.450 to 0.550; tolerated 0.800 to 1.25"' in text
    declared = disparity()
    compared(declared, "age=65+", 0.5, "fail", detail={"reference_group": "35-44"})
    assert "Ratio to 35-44, 95 % interval" in officer_client.get(f"/runs/{declared.pk}/").text


def test_differences_are_drawn_on_a_linear_axis_around_0(officer_client):
    run = disparity()
    detail = {
        "difference": -0.1,
        "difference_low": -0.2,
        "difference_high": 0.05,
        "tolerance": [-0.05, 0.05],
        "reference": 0.3,
    }
    MeasurementFactory.create(
        run=run, name="gap", slice="age=65+", verdict="review", tolerance_used=2.0, detail=detail
    )
    (chart,) = forests(run)
    assert (chart.scale, chart.reference, chart.tolerance) == ("linear", 0, (-0.05, 0.05))
    assert (chart.rows[0].value, chart.rows[0].low, chart.rows[0].high) == (-0.1, -0.2, 0.05)
    text = officer_client.get(f"/runs/{run.pk}/").text
    assert "Difference to everybody else, 95 % interval; shaded: tolerated −0.05 to 0.05" in text


@pytest.mark.django_db
def test_a_ratio_that_is_measured_itself_keeps_its_own_interval():
    run = disparity()
    detail = {"ratio": 1.8, "ratio_low": None, "ratio_high": None, "reference": 0.2}
    compared(run, "age=65+", 1.8, "fail", value=1.8, low=1.6, high=2.0, detail=detail)
    (chart,) = forests(run)
    assert (chart.rows[0].value, chart.rows[0].low, chart.rows[0].high) == (1.8, 1.6, 2.0)


def test_a_number_without_tolerance_is_drawn_without_a_band(officer_client):
    run = disparity()
    compared(run, "age=65+", 0.5, "pass", tolerance_used=None, detail={"tolerance": None})
    text = officer_client.get(f"/runs/{run.pk}/").text
    assert "Ratio to everybody else, 95 % interval</p>" in text
    assert "c-tolerance" not in text


def many(groups: int) -> AuditRun:
    run = disparity()
    for number in range(groups):
        compared(run, f"shop={number:03}", 0.5, "fail", tolerance_used=float(1000 - number))
    return run


def test_many_groups_are_twelve_and_the_way_to_all(officer_client):
    run = many(60)
    text = officer_client.get(f"/runs/{run.pk}/").text
    assert drawn(text) == [f"shop: {n:03}" for n in range(12)]
    assert "The 12 worst of 60 groups." in text
    assert f'<a href="/runs/{run.pk}/?metric=selection-rate#measured">Show all 60</a>' in text
    assert len(rows(text)) == 25
    assert "1–25 of 60 measurements" in text


def test_of_one_metric_chart_and_table_show_the_same_page(officer_client):
    run = many(60)
    compared(run, "shop=000", 0.9, "pass", name="precision", tolerance_used=0.1)
    text = officer_client.get(f"/runs/{run.pk}/?metric=selection-rate&page=3").text
    assert drawn(text) == rows(text) == [f"shop: {n:03}" for n in range(50, 60)]
    assert "Drawn are measurements 51 to 60 of 60" in text
    assert "Precision" not in text.partition('id="measured"')[2].partition("<form")[0]


def test_metrics_in_order_are_folded_away(officer_client):
    run = disparity()
    compared(run, "age=65+", 0.5, "fail")
    for name in ("precision", "accuracy"):
        compared(run, "age=65+", 0.95, "pass", name=name, tolerance_used=0.1)
    text = officer_client.get(f"/runs/{run.pk}/").text
    folded = text.partition("2 more metrics, less far from their limits</summary>")[2]
    assert "Precision by group" in folded
    assert "Selection rate by group" not in folded


def test_the_table_holds_everything_that_stands_beside_a_number(officer_client):
    run = disparity()
    compared(run, "age=65+", 0.52, "fail", low=0.1, high=0.25)
    text = officer_client.get(f"/runs/{run.pk}/").text.replace("\u202f", " ")
    cells = dict(re.findall(r'<td data-label="([^"]+)" class="num">(.*?)</td>', text))
    assert cells["Rows"] == "72"
    assert cells["Value"] == '<b>16.7 %</b><span class="sub">10.0 % to 25.0 %</span>'
    assert cells["Of the others"] == "32.0 %"
    assert cells["Difference"] == '−0.100<span class="sub">−0.200 to −0.050</span>'
    assert cells["Ratio"] == '0.52<span class="sub">0.47 to 0.57</span>'
    assert (cells["p"], cells["Adjusted p"]) == ("0.004", "0.020")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?attribute=age", ["a", "d", "b"]),
        ("?attribute=region", ["c"]),
        ("?verdict=pass", ["b"]),
        ("?verdict=pass&attribute=region", []),
        ("?metric=precision", ["d"]),
        ("?metric=nonsense&verdict=nonsense", ["a", "c", "d", "b"]),
        ("?sort=ratio", ["a", "c", "d", "b"]),
        ("?sort=-ratio", ["b", "d", "c", "a"]),
        ("?sort=group", ["a", "b", "d", "c"]),
        ("?sort=-rows", ["c", "a", "b", "d"]),
        ("?sort=nonsense", ["a", "c", "d", "b"]),
    ],
)
def test_the_table_is_filtered_and_sorted_in_the_address(officer_client, query, found):
    run = disparity()
    compared(run, "age=a", 0.2, "fail", tolerance_used=7.0)
    compared(run, "age=b", 0.9, "pass", tolerance_used=0.4)
    compared(run, "region=c", 0.5, "fail", tolerance_used=3.0, n=900)
    compared(run, "age=d", 0.6, "review", name="precision", tolerance_used=2.0, n=50)
    for number in range(9):  # from here on the filter is offered
        MeasurementFactory.create(
            run=run,
            name="undeclared-share",
            slice=f"column-{number}",
            value=None,
            n=0,
            tolerance_used=None,
            verdict="insufficient",
            detail={},
        )
    text = officer_client.get(f"/runs/{run.pk}/{query}").text
    assert [part.partition(": ")[2] for part in rows(text) if "column" not in part] == found


def test_a_filter_that_nothing_fits_says_so_and_leads_back(officer_client):
    run = many(13)
    compared(run, "age=a", 0.9, "pass", tolerance_used=0.1)
    text = officer_client.get(f"/runs/{run.pk}/?verdict=pass&attribute=shop").text
    assert 'Nothing fits. <a href="?">Show every measurement</a>' in text


def test_a_link_to_a_number_ends_on_its_page(officer_client):
    run = many(60)
    last = run.measurements.get(slice="shop=055")
    text = officer_client.get(f"/runs/{run.pk}/?measurement={last.pk}").text
    assert f'<tr id="m{last.pk}" class="marked">' in text
    assert len(rows(text)) == 10


def test_every_kind_tells_how_to_read_it(officer_client):
    run = disparity()
    text = officer_client.get(f"/runs/{run.pk}/").text
    assert "<summary>How to read this</summary>" in text
    assert "Does a model, or a decision, treat the groups of an attribute differently?" in text
    assert 'href="/help/reference/audit-kinds/group-disparity/">Every measurement of this audit' in text


def test_one_verdict_is_told_step_by_step(officer_client):
    run = disparity(parameters={"thresholds": {"alpha": 0.01}})
    found = compared(run, "age=65+", 0.52, "fail", tolerance_used=2.93, detail={"rows": 90})
    text = officer_client.get(f"/runs/{run.pk}/measurements/{found.pk}/").text.replace("\u202f", " ")
    for words in (
        "72 rows count for this number, of 90 of the group, beside 729 of everybody else.",
        "The ratio is 0.520 (0.468 to 0.572).",
        "Tolerated is 0.80 to 1.25. This uses up 293 % of it: it lies outside.",
        "with p 0.0040 (z test). With Holm’s adjustment for 6 comparisons made together it is 0.0200; below 0.010 counts",
        "<dt>reference_n</dt><dd>729</dd>",
        f'href="/runs/{run.pk}/?measurement={found.pk}#m{found.pk}"',
    ):
        assert words in text, words


def test_a_number_without_a_limit_says_that_it_decides_nothing(officer_client):
    run = AuditRunFactory.create()
    found = MeasurementFactory.create(
        run=run, name="rmse", slice="", tolerance_used=None, threshold=None, detail={}
    )
    text = officer_client.get(f"/runs/{run.pk}/measurements/{found.pk}/").text
    assert "This number has no limit of its own. It describes, and decides nothing." in text


def test_a_measurement_of_another_run_is_not_found(officer_client):
    found, other = MeasurementFactory.create(), AuditRunFactory.create()
    assert officer_client.get(f"/runs/{other.pk}/measurements/{found.pk}/").status_code == 404


def test_the_csv_holds_what_stands_beside_each_number(officer_client):
    run = disparity()
    compared(run, "age=65+", 0.5, "fail", detail={"reason": "=SUM(A1)"})
    (row,) = csv.DictReader(StringIO(officer_client.get(f"/runs/{run.pk}/measurements.csv").text))
    assert (row["ratio"], row["p_adjusted"], row["reference_n"], row["test"]) == ("0.5", "0.02", "729", "z")
    assert row["reason"] == "'=SUM(A1)"
    assert json.loads(row["detail"])["family"] == 6


# -- versions side by side ---------------------------------------------------------------------------------------------


def two_versions(**fields: object) -> tuple[AuditRun, AuditRun]:
    """The same audit of version 1 and of version 2."""
    before = disparity(**fields)
    after = ModelVersionFactory.create(model=before.version.model, number=2)
    return before, disparity(plan__version=after, **fields)


def test_the_same_audit_of_two_versions_is_laid_side_by_side(officer_client):
    before, now = two_versions()
    for run, ratio, verdict, used in ((before, 0.9, "pass", 0.5), (now, 0.5, "fail", 3.0)):
        compared(run, "age=65+", ratio, verdict, value=ratio / 3, tolerance_used=used)
        compared(run, "age=19-24", 0.95, "pass", tolerance_used=0.2)
    compared(now, "age=new", 0.95, "pass", tolerance_used=0.2)
    compared(before, "age=gone", 0.95, "pass", tolerance_used=0.2)
    text = officer_client.get(f"/runs/{now.pk}/?with=1").text.replace("\u202f", " ")
    table = text.partition('id="compare"')[2].partition("</section>")[0]
    assert "1 verdict turned worse from version 1 to version 2, 0 turned better." in table
    assert re.findall(r'<span class="sub">(age: [^<]+)</span>', table) == ["age: 65+", "age: 19-24"]
    assert re.findall(r'data-label="Version \d" class="num">(?:<b>)?([^<]+)', table)[:2] == [
        "30.0 %",
        "16.7 %",
    ]
    assert re.findall(r'data-label="Change" class="num">([^<]+)', table) == ["−13.3 %", "0.0 %"]
    assert "Version 2: Selection rate, age: new" in table
    assert "Version 1: Selection rate, age: gone" in table


def test_versions_are_offered_and_none_is_open_before_it_is_asked_for(officer_client):
    _, now = two_versions()
    compared(now, "age=65+", 0.5, "fail")
    text = officer_client.get(f"/runs/{now.pk}/").text
    assert 'href="?with=1#compare"' in text
    assert "Beside version" not in text


def test_a_version_without_that_audit_is_not_offered(officer_client):
    run = disparity()
    other = ModelVersionFactory.create(model=run.version.model, number=2)
    AuditRunFactory.create(plan__kind="data-drift", plan__version=other)
    assert comparable_versions(run) == {}
    text = officer_client.get(f"/runs/{run.pk}/").text
    assert "Compare with another version" not in text


@pytest.mark.parametrize("wanted", ["3", "0", "-1", "x", "1" * 40, "²", "٣", ""])
def test_a_version_that_cannot_be_compared_is_no_broken_page(officer_client, wanted):
    _, now = two_versions()
    compared(now, "age=65+", 0.5, "fail")
    answer = officer_client.get(f"/runs/{now.pk}/", {"with": wanted})
    assert answer.status_code == 200
    assert ("This audit has no finished run of version" in answer.text) is bool(wanted)


@pytest.mark.django_db
def test_the_latest_finished_run_of_the_same_plan_is_compared():
    before, now = two_versions()
    later = AuditRunFactory.create(plan=before.plan, verdict="pass")
    AuditRunFactory.create(plan=before.plan, status="errored", verdict="errored")
    own = AuditPlanFactory.create(version=before.version, kind="group-disparity", required=False, name="Ours")
    AuditRunFactory.create(plan=own, verdict="pass")
    assert comparable_versions(now) == {1: later.pk}
    key = ("group-disparity", "", "snapshot", "reference")
    assert version_comparisons(now.version)[key] == 1


@pytest.mark.django_db
def test_pairs_start_with_what_turned_worse():
    before, now = two_versions()
    for slice_, then, after in (
        ("a", "pass", "pass"),
        ("b", "fail", "pass"),
        ("c", "pass", "fail"),
        ("d", "fail", "fail"),
    ):
        compared(before, f"age={slice_}", 0.9, then)
        compared(now, f"age={slice_}", 0.9, after)
    found = compared_with(now, list(now.measurements.all()), before.pk)
    assert found is not None
    assert [pair.now.slice[-1] for pair in found.pairs] == ["c", "b", "d", "a"]
    assert (found.worse, found.better) == (1, 1)


def test_a_versions_page_leads_to_the_same_audit_of_the_other_version(officer_client):
    before, now = two_versions()
    text = officer_client.get(f"/models/{now.version.model.name}/versions/2/").text
    assert f'<a href="/runs/{now.pk}/?with=1#compare">Beside version 1' in text
    assert before.version.number == 1


def test_comparing_costs_as_many_queries_for_forty_numbers_as_for_one(officer_client):
    before, now = two_versions()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert officer_client.get(f"/runs/{now.pk}/?with=1").status_code == 200
        return len(captured)

    for run in (before, now):
        compared(run, "age=0", 0.5, "fail")
    first = queries()
    for run in (before, now):
        for number in range(1, 40):
            compared(run, f"age={number}", 0.5, "fail")
    assert (first, queries()) == (
        8,
        8,
    )  # session, person, roles, run, measurements, versions, the other run and its own


# -- mitigations -------------------------------------------------------------------------------------------------------


def study(**fields: object) -> AuditRun:
    """A study: today breaks the tolerance, one candidate keeps it, one is beaten."""
    run = AuditRunFactory.create(plan__kind="mitigation", verdict="fail", **fields)
    for label, utility, ratio, verdict, best in (
        ("today", 0.9, 0.5, "fail", True),
        ("group thresholds, <half> way", 0.88, 0.9, "pass", True),
        ("reweighing", 0.7, 0.6, "review", False),
    ):
        MeasurementFactory.create(
            run=run,
            name="balanced-accuracy",
            slice=label,
            value=utility,
            tolerance_used=None,
            threshold=None,
            detail={},
        )
        detail = {
            "group": "age=65+",
            "pareto": best,
            "targeted": True,
            "tolerance": TOLERANCE,
            "family": "threshold",
            "settings": {"half": 1},
        }
        MeasurementFactory.create(
            run=run,
            name="selection-rate-disparity",
            slice=label,
            value=ratio,
            verdict=verdict,
            tolerance_used=1.0,
            detail=detail,
        )
    return run


def test_a_study_draws_its_curve_with_a_table_under_it(officer_client):
    run = study()
    text = officer_client.get(f"/runs/{run.pk}/").text
    assert "Disparity of selection against balanced accuracy</h2>" in text
    assert text.count('class="c-today"') == 1
    assert "<b>Today</b>, the model as it is" in text
    assert "2. group thresholds, &lt;half&gt; way" in text
    assert "<half>" not in text


def test_a_candidates_settings_are_a_file(officer_client):
    run = study()
    answer = officer_client.get(f"/runs/{run.pk}/candidate.json", {"name": "group thresholds, <half> way"})
    assert answer["Content-Disposition"] == f'attachment; filename="selvedge-run-{run.pk}-candidate.json"'
    found = answer.json()
    assert (found["run"], found["candidate"]) == (run.pk, "group thresholds, <half> way")
    assert officer_client.get(f"/runs/{run.pk}/candidate.json", {"name": "nobody"}).status_code == 404
    assert officer_client.get(f"/runs/{disparity().pk}/candidate.json", {"name": "today"}).status_code == 404


def test_a_failing_disparity_offers_a_study_to_who_may_plan_one(client, person_of_role):
    run = disparity(parameters={"sensitive": ["age"]})
    compared(run, "age=65+", 0.5, "fail")
    link = f"?kind=mitigation&amp;from={run.pk}"
    offered = {}
    for role, person in person_of_role.items():
        client.force_login(person)
        offered[str(role)] = link in client.get(f"/runs/{run.pk}/").text
    may = {str(role) for role, granted in ROLE_PERMISSIONS.items() if Permission.AUDIT_PLAN in granted}
    assert {role for role, seen in offered.items() if seen} == may
    assert may


@pytest.mark.parametrize("verdict", ["pass", "review", "insufficient"])
def test_no_study_is_offered_where_nothing_fails(officer_client, verdict):
    run = disparity()
    compared(run, "age=65+", 0.9, verdict)
    assert "Study mitigations" not in officer_client.get(f"/runs/{run.pk}/").text
    assert "Study mitigations" not in officer_client.get(f"/runs/{study().pk}/").text


def test_the_editor_takes_over_what_the_kind_knows(officer_client):
    parameters = {
        "sensitive": ["age"],
        "y_pred": "flagged",
        "strata": ["region"],
        "intersections": ["age*region"],
        "thresholds": {"tolerance": 0.7, "unreviewed": 0.1},
    }
    run = disparity(parameters=parameters)
    base = f"/models/{run.version.model.name}/versions/{run.version.number}/plans/new/?kind=mitigation"
    form = officer_client.get(f"{base}&from={run.pk}").context["form"]
    assert form["column:sensitive"].value() == ["age"]
    assert form["column:y_pred"].value() == "flagged"
    assert form["limit:tolerance"].value() == 0.7
    assert "strata" not in form.stored
    assert "intersections" not in form.stored
    other = disparity(parameters=parameters)
    for wanted in (str(other.pk), "0", "x", "9" * 30, "²"):
        assert officer_client.get(f"{base}&from={wanted}").context["form"].stored == {}, wanted


def test_only_known_roles_limits_and_methods_are_taken_over():
    shown = Settings(
        limits={"alpha": 0.05},
        columns=("sensitive",),
        lines=("roles",),
        roles=("score",),
        methods=("fisher",),
    )
    given = {
        "sensitive": ["age"],
        "y_true": "x",
        "roles": {"score": "s", "pair": "p"},
        "thresholds": {"alpha": 0.1, "cutoff": 20},
        "method": "fisher",
    }
    assert known_parameters(shown, given) == {
        "sensitive": ["age"],
        "roles": {"score": "s"},
        "thresholds": {"alpha": 0.1},
        "method": "fisher",
    }
    assert known_parameters(shown, {"method": "evidently"}) == {}
