# Numbered where the source first names them, typed by their first bind.
(def (Report (r 0)))
(when go (:= Report.r (+ late 1)) (fallthrough))
(when true
    (:= late (:= early Ack.now))
    (:= go (> early 5))
    (:= copy go)
    (:= Report.r (if copy late))
)
#@ test asm
#|    0  DEF     report.0, #0
#| event 0: flag 1..2, body 2..5
#|    1  BIND    eventFlag, local.0
#|    2  ADD     tmp.0, local.1, #1
#|    3  BIND    report.0, tmp.0
#|    4  BIND    shouldContinue, #1
#| event 1: flag 5..6, body 6..12
#|    5  BIND    eventFlag, #1
#|    6  BIND    local.2, Ack.now
#|    7  BIND    local.1, local.2
#|    8  GT      tmp.0, local.2, #5
#|    9  BIND    local.0, tmp.0
#|   10  BIND    local.3, local.0
#|   11  IF      report.0, local.3, local.1
