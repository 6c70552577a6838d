#@ test check
(def (a 5min) (b 1.5) (c 1_000) (d 0x10) (e 1e6) (f 4294967295) (g 4294968s) (h 3sec) (i 1073741823) (j infinity))
#~ 9: error[E0112]: `5min` is neither a number nor a name
#~     help: the units are `us`, `ms` and `s`
#~ 18: error[E0112]: `1.5` is neither a number nor a name
#~     help: numbers are whole; multiply first and divide then: `(/ (* x 15) 10)` for 1.5
#~ 26: error[E0112]: `1_000` is neither a number nor a name
#~     help: write the digits without `_`
#~ 36: error[E0112]: `0x10` is neither a number nor a name
#~     help: numbers are decimal
#~ 45: error[E0112]: `1e6` is neither a number nor a name
#~     help: write all zeros
#~ 53: error[E0113]: `4294967295` is too large
#~     help: write `+infinity`, which is this value
#~ 68: error[E0113]: `4294968s` is too large
#~     help: constants are below 4294967295; build larger values with `*`, or write `+infinity`
#~ 81: error[E0112]: `3sec` is neither a number nor a name
#~     help: write `3s`; the units are `us`, `ms` and `s`
#~ 90: error[E0203]: datapaths take an initial value of 1073741823 for infinity
#~     help: write `+infinity`, or a number beside it
#~ 105: error[E0108]: the initial value of `j` is not a constant
#~     help: write `+infinity`
(when (> a 99999999999) (:= Cwnd (+ b c d e f g h i j 12abc)))
#~ 12: error[E0113]: `99999999999` is too large
#~     help: constants are below 4294967295; build larger values with `*`, or write `+infinity`
#~ 55: error[E0112]: `12abc` is neither a number nor a name
#~     help: put a space behind `12`; times have the units `us`, `ms` and `s`
