(def (a 1) (b 2) (Report (t false) (u true)))
(when (> a b) (:= Report.t (gt a b)))
(when (< a b) (:= Report.t (lt a b)))
(when (== a b) (:= Report.t (eq a b)))
(when (>= a b) (:= Report.t (>= a b)))
(when (<= a b) (:= Report.t (<= a b)))
(when (!= a b) (:= Report.t (!= a b)))
(when (! Report.t) (:= Report.u (not Report.t)))
(when (== Report.t Report.u) (:= Report.t (!= Report.t true)))
(when (&& Report.t (> a 0)) (:= Report.t (and Report.t Report.u)))
(when (|| Report.t (> a 0)) (:= Report.t (or Report.t Report.u)) (:= a b) (:= b a))
#@ test asm
#|    0  DEF     report.0, #0
#|    1  DEF     report.1, #1
#|    2  DEF     control.0, #1
#|    3  DEF     control.1, #2
#| event 0: flag 4..5, body 5..7
#|    4  GT      eventFlag, control.0, control.1
#|    5  GT      tmp.0, control.0, control.1
#|    6  BIND    report.0, tmp.0
#| event 1: flag 7..8, body 8..10
#|    7  LT      eventFlag, control.0, control.1
#|    8  LT      tmp.0, control.0, control.1
#|    9  BIND    report.0, tmp.0
#| event 2: flag 10..11, body 11..13
#|   10  EQUIV   eventFlag, control.0, control.1
#|   11  EQUIV   tmp.0, control.0, control.1
#|   12  BIND    report.0, tmp.0
#| event 3: flag 13..15, body 15..18
#|   13  LT      tmp.0, control.0, control.1
#|   14  EQUIV   eventFlag, tmp.0, #0
#|   15  LT      tmp.0, control.0, control.1
#|   16  EQUIV   tmp.1, tmp.0, #0
#|   17  BIND    report.0, tmp.1
#| event 4: flag 18..20, body 20..23
#|   18  GT      tmp.0, control.0, control.1
#|   19  EQUIV   eventFlag, tmp.0, #0
#|   20  GT      tmp.0, control.0, control.1
#|   21  EQUIV   tmp.1, tmp.0, #0
#|   22  BIND    report.0, tmp.1
#| event 5: flag 23..25, body 25..28
#|   23  EQUIV   tmp.0, control.0, control.1
#|   24  EQUIV   eventFlag, tmp.0, #0
#|   25  EQUIV   tmp.0, control.0, control.1
#|   26  EQUIV   tmp.1, tmp.0, #0
#|   27  BIND    report.0, tmp.1
#| event 6: flag 28..29, body 29..31
#|   28  EQUIV   eventFlag, report.0, #0
#|   29  EQUIV   tmp.0, report.0, #0
#|   30  BIND    report.1, tmp.0
#| event 7: flag 31..32, body 32..35
#|   31  EQUIV   eventFlag, report.0, report.1
#|   32  EQUIV   tmp.0, report.0, #1
#|   33  EQUIV   tmp.1, tmp.0, #0
#|   34  BIND    report.0, tmp.1
#| event 8: flag 35..37, body 37..39
#|   35  GT      tmp.0, control.0, #0
#|   36  MUL     eventFlag, report.0, tmp.0
#|   37  MUL     tmp.0, report.0, report.1
#|   38  BIND    report.0, tmp.0
#| event 9: flag 39..41, body 41..45
#|   39  GT      tmp.0, control.0, #0
#|   40  MAX     eventFlag, report.0, tmp.0
#|   41  MAX     tmp.0, report.0, report.1
#|   42  BIND    report.0, tmp.0
#|   43  BIND    control.0, control.1
#|   44  BIND    control.1, control.0
