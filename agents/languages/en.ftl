# English. The reasons are the core's own sentences (streams/emit/sentences.py); a test compares them.
# Every language has the keys and attributes of this file.

# What babel writes numbers and dates by.
locale = en_GB


## Amounts. .since: how long it has lasted; .every: how often; .again: .every after another in days.

amount-count = { $number }
amount-seconds = { $number } s
    .since = { $number } s
    .every = every { $number } s
    .again = every { $number } s
amount-minutes = { $number } min
    .since = { $number } min
    .every = every { $number } min
    .again = every { $number } min
amount-minutes-seconds = { $number } min { $seconds } s
    .since = { $number } min { $seconds } s
    .every = every { $number } min { $seconds } s
    .again = every { $number } min { $seconds } s
amount-hours = { $number } h
    .since = { $number } h
    .every = every { $number } h
    .again = every { $number } h
amount-days = { $number } days
    .since = { $number } days
    .every = every { $number } days
    .again = every { $number }
amount-percent = { $number } %
amount-money = { $number } { $currency }
nothing = none
at-least = at least { $amount }
at-most = at most { $amount }
ago = { $amount } ago
just-now = just now
moment = { $day }, { $time }


## Reasons. $n: the value, to choose by; $amount: it in words, with "at least" or "at most".

compared-own = { $fact }, usually { $usual }
compared-customers = { $fact } (usual: { $usual })

reason-silence = silent for { $amount }
reason-silence-seen = last seen { $ago }
reason-silence-unknown = no sign of life yet, known for { $since }
reason-silence-every = { $fact }, usually comes { $every }
reason-activity_7_days = { $n ->
    [0] no sign of life in the last 7 days
    [1] { $amount } sign of life in the last 7 days
   *[other] { $amount } signs of life in the last 7 days
  }
reason-activity_28_days = { $n ->
    [0] no sign of life in the last 28 days
    [1] { $amount } sign of life in the last 28 days
   *[other] { $amount } signs of life in the last 28 days
  }
reason-activity_91_days = { $n ->
    [0] no sign of life in the last 91 days
    [1] { $amount } sign of life in the last 91 days
   *[other] { $amount } signs of life in the last 91 days
  }
reason-spending_91_days = { $n ->
    [0] nothing spent in the last 91 days
   *[other] { $amount } spent in the last 91 days
  }
reason-returned_share = { $amount } of the amount ordered was returned
reason-open_tickets = { $n ->
    [0] no ticket open
    [1] { $amount } ticket open
   *[other] { $amount } tickets open
  }
reason-open_ticket_age = a ticket opened { $amount } ago is open
reason-tickets_opened_28_days = { $n ->
    [0] no ticket opened in the last 28 days
    [1] { $amount } ticket opened in the last 28 days
   *[other] { $amount } tickets opened in the last 28 days
  }
reason-tickets_reopened_28_days = { $n ->
    [0] no ticket reopened in the last 28 days
    [1] { $amount } ticket reopened in the last 28 days
   *[other] { $bound ->
        [at_least] at least tickets reopened { $number } times in the last 28 days
        [at_most] at most tickets reopened { $number } times in the last 28 days
       *[exactly] tickets reopened { $number } times in the last 28 days
    }
  }
reason-calls_28_days = { $n ->
    [0] no call in the last 28 days
    [1] { $amount } call in the last 28 days
   *[other] { $amount } calls in the last 28 days
  }
reason-call_duration = { $n ->
    [0] nobody spoke in the last call, { $ago }
   *[other] the last call took { $amount }, { $ago }
  }
reason-call_wait = { $n ->
    [0] did not wait in the last call, { $ago }
   *[other] waited { $amount } in the last call, { $ago }
  }
reason-call_transfers = { $n ->
    [0] not transferred in the last call, { $ago }
    [1] transferred once in the last call, { $ago }
   *[other] transferred { $number } times in the last call, { $ago }
  }
reason-payments_failed_28_days = { $n ->
    [0] no payment failed in the last 28 days
    [1] { $amount } payment failed in the last 28 days
   *[other] { $amount } payments failed in the last 28 days
  }
reason-web_28_days = { $n ->
    [0] no visit or form on the web in the last 28 days
    [1] { $amount } visit or form on the web in the last 28 days
   *[other] { $amount } visits and forms on the web in the last 28 days
  }
reason-leaving_views_28_days = { $n ->
    [0] no look at prices or at how to leave in the last 28 days
    [1] { $amount } look at prices or at how to leave in the last 28 days
   *[other] { $amount } looks at prices or at how to leave in the last 28 days
  }
reason-emails_28_days = { $n ->
    [0] no e-mail event in the last 28 days
    [1] { $amount } e-mail event in the last 28 days
   *[other] { $amount } e-mail events in the last 28 days
  }
reason-content_28_days = { $n ->
    [0] no use of content in the last 28 days
    [1] { $amount } use of content in the last 28 days
   *[other] { $amount } uses of content in the last 28 days
  }
reason-survey_score = scored { $amount } in the last survey, { $ago }
reason-subscription_started = subscription started { $ago }
reason-subscription_renewed = subscription renewed { $ago }
reason-subscription_changed = subscription changed { $ago }
reason-subscription_cancelled = subscription cancelled { $ago }
reason-subscription_expired = the term of the subscription ended { $ago }
reason-term_end = the term ends in { $amount }


## Labels

action-call_by_owner = Call the customer
action-resolve_open_ticket = Resolve the open ticket
action-send_offer = Send an offer
action-send_win_back_offer = Send a win-back offer
action-do_nothing = Do nothing
band-low = low
band-medium = medium
band-high = high
kind-churn = May leave
kind-return = May come back
kind-engagement = Less active
kind-target = Expected: { $target }
cleared-recovered = no longer at risk
cleared-left = the customer has left
cleared-returned = the customer is back
cleared-expired = nobody answered in time
cleared-resolved = resolved
cleared-false_alarm = false alarm
cleared-erased = the customer's data was erased
change-band = the risk band has changed
change-risk = the risk has changed
change-action = the suggestion has changed
change-owner = the owner has changed
change-acknowledged = somebody has taken note
change-snoozed = snoozed
change-awake = the snooze has ended
change-rated = rated


## Sentences on an alert. $chance: band and probability.

a-customer = A customer
chance = probability { $risk }
chance-only-band = { $band } risk
chance-band = { $band } risk, { $risk }
summary-churn = { $who } may leave
summary-return = { $who } may come back
summary-engagement = { $who } is half as active as usual and may leave
summary-target = { $who }: “{ $target }” is expected
summary-chance = { $what } ({ $chance })
summary-why = { $what }: { $reasons }.
summary-only = { $what }.
summary-action = Suggested: { $action }.


## Mails and messages

message-since = Raised { $ago }
message-do = Suggested: { $action }
message-why-unknown = No reason can be given in words.
message-open = Open the alert
message-open-queue = Open my queue
message-more = and { $number } more
message-links = Links open a page. Nothing happens before you press a button there.
day-today = today { $time }
day-yesterday = yesterday { $time }

digest-subject = Your alerts: { $raised } new, { $cleared } cleared
digest-intro = Since { $when }: { $raised } new, { $cleared } cleared
digest-empty = No alert is open. Nothing to do.
escalation-subject = No answer yet: { $customer }
escalation-intro = { $rep } has not answered this alert for { $waited }. Please take it over.
quiet-subject = While you were away: { $raised } new, { $cleared } cleared
quiet-intro = From { $since } to { $until }: { $raised } new, { $cleared } cleared
quiet-raised = New and still open
quiet-cleared = Cleared since
channel-off-subject = The channel { $channel } was switched off
channel-off-intro = The channel { $channel } has failed since { $when } and was switched off.
channel-off-next = Its alerts are in the console. Correct the destination, then switch the channel on again.
channel-off-open = Open the channels
channel-off-reason = Reason: { $why }


## The command `touchstream alerts`

column-customer = Customer
column-kind = Kind
column-why = Why
column-action = What to do
column-since = Since
column-priority = Priority
column-value = Value
column-owner = Owner
column-queue = Queue
column-state = State
value-orders = from orders
value-subscription = from the subscription
value-default = an assumption
priority-explained = Priority = risk × value × chance of success: { $risk } × { $value } × { $saveability }
state-open = open
state-claimed = claimed by { $rep }
state-snoozed = snoozed
state-snoozed-until = snoozed until { $moment }
