# English. The reasons are the core's own sentences (streams/emit/sentences.py); a test compares them.
# Every language has the keys and attributes of this file.

# What babel writes numbers and dates by.
locale = en_GB
language-name = English


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


## Console: pages and navigation

page-queue = My queue
page-customer = Customer
page-customer-title = Customer { $customer }
page-overview = Overview
page-tuning = Alerts tuning
page-model = Model
page-sign-in = Sign in
page-channels = Channels
page-not-found = This page does not exist.
page-not-allowed = Your role may not see this page.
page-error = Something went wrong on our side. Please try again.
skip-to-content = Skip to the content
navigation = Pages
theme-light = Light
theme-dark = Dark
live-on = Live
live-off = Connection lost. Trying again …
live-changed = Updated { $ago }


## Console: sign-in

sign-in-key = API key
sign-in-submit = Sign in
sign-in-oidc = Sign in with { $provider }
sign-in-wrong = This key is not known. Ask your operator for a new one.
sign-in-expired = Your session has ended. Please sign in again.
sign-in-too-often = Too many attempts. Please wait a minute.
sign-out = Sign out
signed-in-as = Signed in as { $rep } ({ $role })
role-rep = rep
role-lead = team lead
role-operator = operator
masked = hidden for your role


## Console: columns

column-customer = Customer
column-kind = Kind
column-risk = Risk
column-trend = Trend
column-why = Why
column-action = What to do
column-since = Since
column-priority = Priority
column-value = Value
column-owner = Owner
column-queue = Queue
column-state = State
column-time = Time
column-event = Event
column-version = Version
trend-rising = rising
trend-falling = falling
trend-steady = steady
value-orders = from orders
value-subscription = from the subscription
value-default = an assumption
saveability-response = learnt from outcomes
saveability-none = not learnt yet
priority-explained = Priority = risk × value × chance of success: { $risk } × { $value } × { $saveability }


## Console: states of an alert

state-open = open
state-claimed = claimed by { $rep }
state-snoozed = snoozed
state-snoozed-until = snoozed until { $moment }
state-done = done
state-escalated = escalated
state-cleared = cleared: { $why }
owner-nobody = nobody
owner-me = me


## Console: buttons

button-claim = Claim
button-release = Release
button-done = Done
button-snooze = Snooze
button-wake = End the snooze
button-noise = Noise
button-useful = Useful
button-outcome = Outcome
button-confirm = Confirm
button-cancel = Cancel
button-undo = Undo
button-filter = Filter
button-reset = Reset
button-more = Show more
button-find = Find
button-roll-back = Roll back
button-switch-on = Switch on
button-keyboard = Keyboard shortcuts


## Console: forms

selected = { $count ->
    [one] { $number } alert selected
   *[other] { $number } alerts selected
  }
select-all = Select all
select-one = Select the alert of { $customer }
find-customer = Find a customer by id
snooze-title = Snooze until
snooze-until = a time
snooze-until-worse = the risk is higher by
snooze-until-touchpoint = the customer's next touchpoint
snooze-tomorrow = tomorrow morning
snooze-next-week = next week
noise-reason = Why was this alert no use?
noise-known = I knew already
noise-wrong = It is not true
noise-late = It came too late
noise-other = Another reason
outcome-title = What came of it?
outcome-sent = sent
outcome-delivered = delivered
outcome-seen = seen
outcome-accepted = accepted
outcome-declined = declined
outcome-failed = could not be reached
note = Note


## Console: filter and sort

filter-all = All
filter-mine = Mine
filter-unclaimed = Unclaimed
filter-snoozed = Snoozed
filter-band = Band
filter-kind = Kind
filter-queue = Queue
sort-by = Sort by
sort-priority = priority
sort-risk = risk
sort-since = oldest first


## Console: empty states and confirmations

empty-queue = Nobody needs you now. New alerts appear here by themselves.
empty-filter = No alert matches this filter.
empty-timeline = No touchpoints are known.
empty-tickets = No ticket is open.
empty-actions = Nothing was recommended yet.
empty-reasons = No reason can be given in words.
empty-model = No model has been trained yet. It needs matured examples.
customer-unknown = No customer with the id { $customer } is known.
claim-lost = { $rep } has claimed this alert already.
done-claimed = Claimed.
done-done = Marked as done.
done-snoozed = Snoozed.
done-noise = Thank you. We count it as noise.
done-outcome = The outcome is recorded.
confirm-alert = { $what }. Confirm with the button below.


## Console: the customer

customer-timeline = Timeline
customer-risk = Risk over time
customer-reasons = Reasons
customer-proof = Proof
customer-tickets = Open tickets
customer-actions = Recommended, done, and what came of it
customer-known = What is known


## Console: overview, tuning, model

overview-bands = Customers by risk band
overview-crossings = Entries and exits
overview-throughput = Events per second
overview-lag = Lag
overview-dead-letters = Dead letters
overview-measures = Measures
overview-baselines = The model and both baselines
overview-reliability = Predicted and observed risk
tuning-curve = Alerts a day and what they catch
tuning-capacity = Capacity a day
tuning-precision = Useful of those rated
tuning-rated = Rated
model-versions = Versions
model-drift = Drift
model-trials = Trials
model-roll-back = Roll back to version { $version }?
chart-table = The same as a table
