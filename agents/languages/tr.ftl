# Türkçe. Anahtarlar en.ftl ile aynıdır; sayılardan ve adlardan sonra ek gelmez.

locale = tr_TR


## Miktarlar. .since: ne zamandır; .every: ne sıklıkla; .again: gün sayılan bir süreden sonra .every.

amount-count = { $number }
amount-seconds = { $number } saniye
    .since = { $number } saniyedir
    .every = { $number } saniyede bir
    .again = { $number } saniyede bir
amount-minutes = { $number } dakika
    .since = { $number } dakikadır
    .every = { $number } dakikada bir
    .again = { $number } dakikada bir
amount-minutes-seconds = { $number } dakika { $seconds } saniye
    .since = { $number } dakika { $seconds } saniyedir
    .every = { $number } dakika { $seconds } saniyede bir
    .again = { $number } dakika { $seconds } saniyede bir
amount-hours = { $number } saat
    .since = { $number } saattir
    .every = { $number } saatte bir
    .again = { $number } saatte bir
amount-days = { $number } gün
    .since = { $number } gündür
    .every = { $number } günde bir
    .again = { $number } günde bir
amount-percent = %{ $number }
amount-money = { $currency ->
    [TRY] { $number } TL
   *[other] { $number } { $currency }
  }
nothing = yok
at-least = en az { $amount }
at-most = en çok { $amount }
ago = { $amount } önce
just-now = az önce
moment = { $day } { $time }


## Nedenler

compared-own = { $fact }, genelde { $usual }
compared-customers = { $fact } (ortalama müşteride { $usual })

reason-silence = { $since } sessiz
reason-silence-seen = en son { $ago } görüldü
reason-silence-unknown = { $since } kayıtlı, henüz hiç hareket yok
reason-silence-every = { $fact }, genelde { $every } gelir
reason-activity_7_days = { $n ->
    [0] son 7 günde hiç hareket yok
   *[other] son 7 günde { $amount } hareket
  }
reason-activity_28_days = { $n ->
    [0] son 28 günde hiç hareket yok
   *[other] son 28 günde { $amount } hareket
  }
reason-activity_91_days = { $n ->
    [0] son 91 günde hiç hareket yok
   *[other] son 91 günde { $amount } hareket
  }
reason-spending_91_days = { $n ->
    [0] son 91 günde hiç harcama yok
   *[other] son 91 günde { $amount } harcama
  }
reason-returned_share = sipariş tutarına göre iade oranı { $amount }
reason-open_tickets = { $n ->
    [0] açık talep yok
   *[other] { $amount } açık talep
  }
reason-open_ticket_age = { $amount } önce açılan talep hâlâ açık
reason-tickets_opened_28_days = { $n ->
    [0] son 28 günde yeni talep yok
   *[other] son 28 günde { $amount } yeni talep
  }
reason-tickets_reopened_28_days = { $n ->
    [0] son 28 günde yeniden açılan talep yok
   *[other] talepler son 28 günde { $amount } kez yeniden açıldı
  }
reason-calls_28_days = { $n ->
    [0] son 28 günde hiç görüşme yok
   *[other] son 28 günde { $amount } telefon görüşmesi
  }
reason-call_duration = { $n ->
    [0] son aramada ({ $ago }) görüşme olmadı
   *[other] son görüşme ({ $ago }) { $amount } sürdü
  }
reason-call_wait = { $n ->
    [0] son aramada ({ $ago }) beklemedi
   *[other] son aramada ({ $ago }) { $amount } bekledi
  }
reason-call_transfers = { $n ->
    [0] son aramada ({ $ago }) aktarılmadı
   *[other] son aramada ({ $ago }) { $number } kez aktarıldı
  }
reason-payments_failed_28_days = { $n ->
    [0] son 28 günde başarısız ödeme yok
   *[other] son 28 günde { $amount } başarısız ödeme
  }
reason-web_28_days = { $n ->
    [0] son 28 günde web sitesinde ziyaret ya da form yok
   *[other] son 28 günde web sitesinde { $amount } ziyaret ya da form
  }
reason-leaving_views_28_days = { $n ->
    [0] fiyat ya da ayrılma sayfalarına son 28 günde hiç bakmadı
   *[other] fiyat ya da ayrılma sayfalarına son 28 günde { $amount } kez baktı
  }
reason-emails_28_days = { $n ->
    [0] son 28 günde e-posta hareketi yok
   *[other] son 28 günde { $amount } e-posta hareketi
  }
reason-content_28_days = { $n ->
    [0] son 28 günde hiç içerik kullanımı yok
   *[other] son 28 günde { $amount } içerik kullanımı
  }
reason-survey_score = son anket puanı ({ $ago }) { $amount }
reason-subscription_started = abonelik { $ago } başladı
reason-subscription_renewed = abonelik { $ago } yenilendi
reason-subscription_changed = abonelik { $ago } değişti
reason-subscription_cancelled = abonelik { $ago } iptal edildi
reason-subscription_expired = abonelik süresi { $ago } doldu
reason-term_end = abonelik süresinin bitmesine kalan: { $amount }


## Etiketler

action-call_by_owner = Müşteriyi arayın
action-resolve_open_ticket = Açık talebi çözün
action-send_offer = Teklif gönderin
action-send_win_back_offer = Geri kazanma teklifi gönderin
action-do_nothing = Bir şey yapmanız gerekmiyor
band-low = düşük
band-medium = orta
band-high = yüksek
kind-churn = Ayrılabilir
kind-return = Geri dönebilir
kind-engagement = Daha az etkin
kind-target = Beklenen: { $target }
cleared-recovered = artık risk altında değil
cleared-left = müşteri ayrıldı
cleared-returned = müşteri geri döndü
cleared-expired = zamanında yanıt verilmedi
cleared-resolved = çözüldü
cleared-false_alarm = yanlış alarm
cleared-erased = müşterinin verileri silindi
change-band = risk düzeyi değişti
change-risk = risk değişti
change-action = öneri değişti
change-owner = sorumlu değişti
change-acknowledged = uyarı görüldü
change-snoozed = ertelendi
change-awake = erteleme sona erdi
change-rated = değerlendirildi


## Uyarı cümleleri

a-customer = Bir müşteri
chance = olasılık { $risk }
chance-only-band = { $band } risk
chance-band = { $band } risk, { $risk }
summary-churn = { $who } ayrılabilir
summary-return = { $who } geri dönebilir
summary-engagement = { $who } her zamankinin yarısı kadar etkin, ayrılabilir
summary-target = { $who }: “{ $target }” bekleniyor
summary-chance = { $what } ({ $chance })
summary-why = { $what }: { $reasons }.
summary-only = { $what }.
summary-action = Öneri: { $action }.


## E-postalar ve iletiler

message-since = { $ago } bildirildi
message-do = Öneri: { $action }
message-why-unknown = Nedeni sözle açıklanamıyor.
message-open = Uyarıyı aç
message-open-queue = Kuyruğumu aç
message-more = ve { $number } uyarı daha
message-links = Bağlantılar bir sayfa açar. Oradaki düğmeye basmadan hiçbir işlem yapılmaz.
day-today = bugün { $time }
day-yesterday = dün { $time }

digest-subject = Uyarılarınız: { $raised } yeni, { $cleared } kapandı
digest-intro = Özet ({ $when } sonrası): { $raised } yeni uyarı, { $cleared } kapanan uyarı
digest-empty = Açık uyarı yok. Yapılacak bir şey yok.
escalation-subject = Henüz yanıt yok: { $customer }
escalation-intro = Bu uyarı { $waited } yanıt bekliyor (sorumlu: { $rep }). Lütfen devralın.
quiet-subject = Siz yokken: { $raised } yeni, { $cleared } kapandı
quiet-intro = Sessiz saatler ({ $since } – { $until }): { $raised } yeni uyarı, { $cleared } kapanan uyarı
quiet-raised = Yeni ve hâlâ açık
quiet-cleared = O zamandan beri kapanan
channel-off-subject = Kanal kapatıldı: { $channel }
channel-off-intro = { $channel } kanalına ileti gönderilemiyor (başlangıç: { $when }). Kanal kapatıldı.
channel-off-next = Uyarıları konsolda görebilirsiniz. Hedef adresi düzeltin, sonra kanalı yeniden açın.
channel-off-open = Kanalları aç
channel-off-reason = Neden: { $why }


## `touchstream alerts` komutu

column-customer = Müşteri
column-kind = Tür
column-why = Neden
column-action = Yapılacak
column-since = Ne zamandır
column-priority = Öncelik
column-value = Değer
column-owner = Sorumlu
column-queue = Kuyruk
column-state = Durum
value-orders = siparişlerden
value-subscription = abonelikten
value-default = varsayım
priority-explained = Öncelik = risk × değer × başarı olasılığı: { $risk } × { $value } × { $saveability }
state-open = açık
state-claimed = üstlenen: { $rep }
state-snoozed = ertelendi
state-snoozed-until = ertelendi (bitiş: { $moment })
