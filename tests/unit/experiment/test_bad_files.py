"""Each file in tests/files/bad has one fault, and is refused with one message."""

from pathlib import Path

import pytest

from harness.errors import ExperimentError
from harness.experiment import Experiment

FOLDER = Path(__file__).parents[2] / "files" / "bad"
DATA = {"inputs": ["dose"], "targets": ["effect"]}

# Advice that several messages give.
UTF8 = "Save it as CSV in UTF-8."
QUOTES = "Close each quote in the line where it is opened, or remove the quotes."
CELLS = "Give every line the same number of cells; put texts with separators in quotes."
DECIMAL = 'Separators of thousands are not read. Write decimal = "," or decimal = "." in [data].'
NUMBER = (
    "Correct the cell, or leave it empty and write data.missing. Numbers are written "
    "without units and without separators of thousands."
)
KIND = "Correct one of them: a column has only numbers or only words. Units belong in the header."
MISSING = (
    'Write missing = "drop" in [data] to leave such data points out, or missing = '
    '"mean" to replace missing inputs by the mean of their column.'
)
DROP = 'Write missing = "drop" in [data] to leave such data points out, or complete the cell.'
COUNT = (
    'Columns are counted from 1; "2-4" are columns 2 to 4. If the first line has the '
    "names, write header = true in [data]."
)
NAME = "Correct the name here, or in the first line of the file."
SEPARATE = (
    "The first line must have the names of the columns. If something else separates "
    'them, write it, such as separator = ";", in [data].'
)
ADD = "Add a line for each data point."

# By file: what the section [data] says instead, the problem (FILE stands for the path in quotes)
# and the advice.
REFUSED = {
    "empty.csv": ({}, "is empty.", ADD),
    "blank_lines.csv": ({}, "is empty.", ADD),
    "header_only.csv": ({}, "has a header and no data points.", ADD),
    "utf16_with_mark.csv": ({}, "is text in UTF-16.", UTF8),
    "utf16_big_endian.csv": ({}, "is text in UTF-16.", UTF8),
    "utf16_without_mark.csv": (
        {},
        "has a null byte in line 1, as in UTF-16 and in files that are not text.",
        UTF8,
    ),
    "latin1.csv": ({}, "has the byte 0xb5 in line 3, which is not UTF-8.", UTF8),
    "null_byte.csv": (
        {},
        "has a null byte in line 3, as in UTF-16 and in files that are not text.",
        UTF8,
    ),
    "spreadsheet.csv": ({}, "is a spreadsheet or a zip archive.", UTF8),
    "compressed.csv": ({}, "is compressed.", "Decompress it."),
    "parquet.csv": ({}, "is a Parquet file.", "Give it a name that ends in .parquet."),
    "not_parquet.parquet": (
        {},
        "is damaged, or is not a Parquet file.",
        "Write it again; CSV files have names that end in .csv.",
    ),
    "cut_off.parquet": (
        {},
        "is damaged, or is not a Parquet file.",
        "Write it again; CSV files have names that end in .csv.",
    ),
    "title_above_the_header.csv": (
        {},
        'data.targets names the column "effect", which is not in FILE; its columns '
        'are ["Results of May"].',
        SEPARATE,
    ),
    "no_header.csv": (
        {},
        'data.targets names the column "effect", which is not in FILE: it has no '
        "header, only columns 1 to 2.",
        'Write numbers, such as "2" or "1-2". If the first line has the names, write '
        "header = true in [data].",
    ),
    "header_with_a_number.csv": (
        {"inputs": [1], "targets": [2]},
        'has "dose" above numbers in line 1, and numbers beside it: the line may be '
        "a header or a data point.",
        "Write header = true or header = false in [data].",
    ),
    "comma_or_semicolon.csv": (
        {"inputs": ["a"], "targets": ["b"]},
        'has cells in its first line that may be separated by "," or ";".',
        'Write which, such as separator = ",", in [data].',
    ),
    "other_separator.csv": (
        {"separator": ","},
        'data.targets names the column "effect", which is not in FILE; its columns '
        'are ["dose;effect"].',
        SEPARATE,
    ),
    "unclosed_quote.csv": ({}, "cannot be read at line 2: unexpected end of data.", QUOTES),
    "text_after_a_quote.csv": ({}, "cannot be read at line 3: ',' expected after '\"'.", QUOTES),
    "line_break_in_a_cell.csv": (
        {},
        "cannot be read at line 2: a cell continues on the next line.",
        QUOTES,
    ),
    "too_few_cells.csv": ({}, "has 1 cell in line 3 and 2 in its header.", CELLS),
    "too_many_cells.csv": ({}, "has 3 cells in line 3 and 2 in its header.", CELLS),
    "too_few_cells_without_header.csv": (
        {"inputs": ["1"], "targets": ["2"]},
        "has 1 cell in line 2 and 2 in line 1.",
        CELLS,
    ),
    "decimal_commas_in_commas.csv": ({}, "has 3 cells in line 3 and 2 in its header.", CELLS),
    "both_decimal_signs.csv": (
        {},
        'has "0,5" in line 2 and "1.5" in line 2; the decimal sign is unclear.',
        DECIMAL,
    ),
    "comma_for_thousands.csv": (
        {},
        'has "1,234" in line 2, where the comma may separate thousands; the decimal '
        "sign is unclear.",
        DECIMAL,
    ),
    "point_with_decimal_comma.csv": (
        {},
        'has "0,5" in line 2 and "1.5" in line 3; the decimal sign is unclear.',
        DECIMAL,
    ),
    "late_decimal_comma.csv": (
        {},
        'has "0,5" in line 32, column "dose"; it must be a finite number.',
        'If its decimal sign is meant, write decimal = "," in [data].',
    ),
    "thousands_with_point.csv": (
        {},
        'has "1,234.5" in line 3, column "dose"; it must be a finite number.',
        NUMBER,
    ),
    "space_in_a_number.csv": (
        {},
        'has "1 000" in line 3, column "dose"; it must be a finite number.',
        NUMBER,
    ),
    "underscore.csv": (
        {},
        'has "1_000" in line 3, column "dose"; it must be a finite number.',
        NUMBER,
    ),
    "hexadecimal.csv": (
        {},
        'has "0x10" in line 3, column "dose"; it must be a finite number.',
        NUMBER,
    ),
    "infinite.csv": ({}, 'has "inf" in line 3, column "dose"; it must be a finite number.', NUMBER),
    "too_large.csv": (
        {},
        'has "1e999" in line 3, column "dose"; it must be a finite number.',
        NUMBER,
    ),
    "text_in_a_number_column.csv": (
        {},
        'has "high" in line 3, column "effect"; it must be a finite number.',
        NUMBER,
    ),
    "unit_in_a_cell.csv": (
        {},
        'has "5 mg" in line 3, column "dose"; it must be a finite number.',
        NUMBER,
    ),
    "units_below_the_header.csv": (
        {},
        'has "0" in line 3, column "dose"; it must be a word, as "mg" in line 2.',
        KIND,
    ),
    "number_among_words.csv": (
        {},
        'has "7" in line 4, column "effect"; it must be a word, as "low" in line 2.',
        KIND,
    ),
    "empty_cell.csv": ({}, 'has "" in line 3, column "dose"; the cell is missing.', MISSING),
    "na.csv": ({}, 'has "NA" in line 3, column "effect"; the cell is missing.', DROP),
    "nan.csv": ({}, 'has "NaN" in line 3, column "dose"; the cell is missing.', MISSING),
    "question_mark.csv": ({}, 'has "?" in line 3, column "dose"; the cell is missing.', MISSING),
    "null.csv": ({}, 'has "null" in line 3, column "effect"; the cell is missing.', DROP),
    "missing_target_with_mean.csv": (
        {"missing": "mean"},
        'has "" in line 3, column "effect"; a missing target cannot be replaced by a mean.',
        DROP,
    ),
    "missing_word_with_mean.csv": (
        {"missing": "mean"},
        'has "" in line 3, column "dose"; a missing word cannot be replaced by a mean.',
        DROP,
    ),
    "column_without_numbers.csv": (
        {"missing": "mean"},
        'data.missing = "mean" cannot fill in column 1 of data.inputs, which has no numbers.',
        "Leave the column out.",
    ),
    "no_complete_line.csv": (
        {"missing": "drop"},
        "has no line without a missing cell.",
        "Leave out the columns with missing cells.",
    ),
    "misspelt_column.csv": (
        {},
        'data.inputs names the column "dose", which is not in FILE; its columns are '
        '["dosis", "effect"].',
        NAME,
    ),
    "other_columns.csv": (
        {},
        'data.targets names the column "effect", which is not in FILE; its columns are ["x", "y"].',
        NAME,
    ),
    "repeated_column.csv": (
        {},
        'data.inputs names the column "dose", which is in FILE more than once.',
        "Give each column its own name, or write its number.",
    ),
    "number_out_of_range.csv": (
        {"inputs": [1], "targets": [3]},
        'data.targets names the column "3", which is not in FILE, which has 2 columns.',
        COUNT,
    ),
    "number_zero.csv": (
        {"inputs": [0], "targets": [1]},
        'data.inputs names the column "0", which is not in FILE, which has 2 columns.',
        COUNT,
    ),
    "reversed_range.csv": (
        {"inputs": ["2-1"], "targets": [3]},
        'data.inputs names the column "2-1", which is not in FILE, which has 3 columns.',
        COUNT,
    ),
    "number_that_is_a_name.csv": (
        {"inputs": [2]},
        'data.inputs names the column "2", which is the name of column 1 of FILE and '
        "the number of another one.",
        'Write "1-1" for the column of this name, or "2-2" for that of this number.',
    ),
    "nothing_but_targets.csv": (
        {"inputs": "all but targets"},
        'data.inputs = "all but targets" leaves no column: FILE has only 1 column.',
        "Name fewer columns in data.targets.",
    ),
    "words_of_an_id.csv": (
        {"inputs": "all but targets"},
        'data.inputs = "all but targets" includes column "patient", which has 11 different words'
        " in 12 data points; each would be an input.",
        'Name the inputs instead, such as inputs = ["2-3", "5"]; if these words are categories, '
        "name this column, too.",
    ),
    "one_class.csv": (
        {},
        'has only the class "yes" in column "effect".',
        "Give data points of two classes or more.",
    ),
    "three_classes_of_one_output.csv": (
        {},
        'data.targets has 3 classes: ["high", "low", "none"]; this must be the last '
        "of network.layers = [1, 1], which is 1.",
        "Change the last number of network.layers to 3.",
    ),
    "too_many_words.csv": (
        {},
        'has "name1000" in line 1002, column "dose", the word number 1001 of this '
        "column; at most 1000 are allowed.",
        "Leave the column out if its texts are not categories.",
    ),
    "constant_column.csv": (
        {"standardise": ["inputs"]},
        "data.standardise cannot scale column 1 of data.inputs, which is 2.0 at every data point.",
        "Remove the column, or divide all columns by a number instead, as in scale = { inputs = "
        "10 }.",
    ),
    "words_to_scale.csv": (
        {"scale": {"targets": "min_max"}},
        "data.scale cannot scale data.targets, which are 0 and 1 for words.",
        "Do not scale them.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_with_one_message(name, monkeypatch):
    monkeypatch.chdir(FOLDER)
    section, problem, advice = REFUSED[name]
    document = {
        "name": "bad",
        "network": {"layers": [1, 1], "activations": ["identity"]},
        "data": {"file": name} | DATA | section,
        "training": {"epochs": 1, "learning_rate": 0.1},
    }
    with pytest.raises(ExperimentError) as caught:
        Experiment.from_mapping(document)
    message = str(caught.value).replace(f'"{name}"', "FILE")
    assert message.removeprefix("data.file = FILE ") == f"{problem}\n{advice}"


def test_every_bad_file_is_in_the_table():
    assert {path.name for path in FOLDER.iterdir()} == set(REFUSED)
