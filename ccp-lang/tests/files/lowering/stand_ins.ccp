#@ base
(def (Report (limited false) (state 0) (volatile idle 0)))
(when Flow.app_limited (:= Report.limited Flow.app_limited) (fallthrough))
(when Flow.undone (:= Report.state Flow.recovery) (fallthrough))
(when (|| Flow.app_limited (> Flow.idle_us 0)) (:= Report.idle Flow.idle_us) (report))
#@ test asm
#|    0  DEF     vreport.2, #0
#|    1  DEF     report.0, #0
#|    2  DEF     report.1, #0
#| event 0: flag 3..6, body 6..11
#|    3  EQUIV   tmp.0, Flow.bytes_pending, Flow.bytes_in_flight
#|    4  LT      tmp.1, Flow.bytes_in_flight, Cwnd
#|    5  MUL     eventFlag, tmp.0, tmp.1
#|    6  EQUIV   tmp.0, Flow.bytes_pending, Flow.bytes_in_flight
#|    7  LT      tmp.1, Flow.bytes_in_flight, Cwnd
#|    8  MUL     tmp.2, tmp.0, tmp.1
#|    9  BIND    report.0, tmp.2
#|   10  BIND    shouldContinue, #1
#| event 1: flag 11..12, body 12..14
#|   11  BIND    eventFlag, #0
#|   12  BIND    report.1, #0
#|   13  BIND    shouldContinue, #1
#| event 2: flag 14..19, body 19..21
#|   14  EQUIV   tmp.0, Flow.bytes_pending, Flow.bytes_in_flight
#|   15  LT      tmp.1, Flow.bytes_in_flight, Cwnd
#|   16  MUL     tmp.2, tmp.0, tmp.1
#|   17  GT      tmp.3, #0, #0
#|   18  MAX     eventFlag, tmp.2, tmp.3
#|   19  BIND    vreport.2, #0
#|   20  BIND    shouldReport, #1
