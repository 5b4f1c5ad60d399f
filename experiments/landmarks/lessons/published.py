"""The numbers that the two lessons print, and where they print them.

Sources: StatQuest (Josh Starmer), Neural Networks Part 1 and 2, Backpropagation Details Part 1
and 2; the articles after them by Ganesh Kumar and by Rijul Rajesh (dev.to); Udacity, Deep Learning,
"Calculating the Gradient 2" and the exercise "backprop".
"""

from collections.abc import Mapping

ONLY_B3 = "statquest_b3"
OUTPUT_LAYER = "statquest_output_layer"
ALL_SEVEN = "statquest_all_seven"
EXERCISE = "backprop_exercise"

LESSON = ("w1", "b1", "w2", "b2", "w3", "w4", "b3")
PART_2 = dict(zip(LESSON, (3.34, -1.43, -3.53, 0.57, -1.22, -2.30, 2.61), strict=True))

# As printed. Each is compared with a number rounded to the same number of digits.
PRINTED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    ONLY_B3: {
        "predictions at b3 = 0": ("-2.6", "-1.61", "-2.61"),
        "SSR at b3 = 0, 1, 2, 3": ("20.4", "7.8", "1.11", "0.46"),
        "slope at the first two steps": ("-15.7", "-6.26"),
        "step size": ("-1.57", "-0.626"),
        "b3 after 0, 1, 2 steps and at the end": ("0", "1.57", "2.19", "2.61"),
        "SSR at b3 = 2.61, in an article": ("0.46",),
    },
    OUTPUT_LAYER: {
        "predictions": ("0.72", "0.46", "0.77"),
        "SSR": ("1.4",),
        "derivatives with respect to w3, w4, b3": ("2.58", "1.26", "1.90"),
        "new w3, w4, b3": ("0.10", "0.50", "-0.19"),
    },
    ALL_SEVEN: {
        "predictions": ("0.686", "0.858", "1.185"),
        "SSR": ("1.90",),
    },
    EXERCISE: {
        "error term of the output": ("0.028730669543515018",),
        "change of w7, w8": ("0.00804047", "0.00555918"),
        "change of w1, w2, w3": ("1.77005547e-04", "3.54011093e-05", "-7.08022187e-05"),
        "change of w4, w5, w6": ("-5.11178506e-04", "-1.02235701e-04", "2.04471402e-04"),
    },
}
