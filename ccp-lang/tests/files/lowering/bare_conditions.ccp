(def (Report (volatile timeout false)) (flag true))
(when flag (fallthrough))
#~ 12: warning[L0205]: this holds for the rest of the invocation, past events that do not fall through
#~     7:2: this event looks as if it stopped the evaluation
#~     8:2: but this one is evaluated too
#~     help: nothing is to be done if both may run; else let their conditions exclude each other
(when Report.timeout (report))
(when Flow.was_timeout (:= Report.timeout true))
(when (&& go flag) (:= flag false))
(when true (:= go true))
#@ test asm
#|    0  DEF     vreport.0, #0
#|    1  DEF     control.0, #1
#| event 0: flag 2..3, body 3..4
#|    2  BIND    eventFlag, control.0
#|    3  BIND    shouldContinue, #1
#| event 1: flag 4..5, body 5..6
#|    4  BIND    eventFlag, vreport.0
#|    5  BIND    shouldReport, #1
#| event 2: flag 6..7, body 7..8
#|    6  BIND    eventFlag, Flow.was_timeout
#|    7  BIND    vreport.0, #1
#| event 3: flag 8..9, body 9..10
#|    8  MUL     eventFlag, local.0, control.0
#|    9  BIND    control.0, #0
#| event 4: flag 10..11, body 11..12
#|   10  BIND    eventFlag, #1
#|   11  BIND    local.0, #1
