# Türkçe. Anahtarlar en.ftl ile aynıdır; sayılardan ve adlardan sonra ek gelmez.

locale = tr_TR
language-name = Türkçe


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


## Konsol: sayfalar

page-queue = Kuyruğum
page-customer = Müşteri
page-customer-title = Müşteri: { $customer }
page-overview = Genel bakış
page-tuning = Uyarı ayarları
page-model = Model
page-sign-in = Oturum aç
page-channels = Kanallar
page-not-found = Böyle bir sayfa yok.
page-not-allowed = Rolünüzle bu sayfa görüntülenemez.
page-error = Bizden kaynaklanan bir hata oluştu. Lütfen yeniden deneyin.
skip-to-content = İçeriğe geç
navigation = Sayfalar
theme-light = Açık
theme-dark = Koyu
live-on = Canlı
live-off = Bağlantı koptu. Yeniden deneniyor …
live-changed = { $ago } güncellendi


## Konsol: oturum

sign-in-key = API anahtarı
sign-in-submit = Oturum aç
sign-in-oidc = { $provider } ile oturum aç
sign-in-wrong = Bu anahtar tanınmıyor. Yöneticinizden yeni bir anahtar isteyin.
sign-in-expired = Oturumunuz sona erdi. Lütfen yeniden oturum açın.
sign-in-too-often = Çok fazla deneme yapıldı. Lütfen bir dakika bekleyin.
sign-out = Oturumu kapat
signed-in-as = Oturum: { $rep } ({ $role })
role-rep = temsilci
role-lead = ekip lideri
role-operator = yönetici
masked = rolünüz için gizli


## Konsol: sütunlar

column-customer = Müşteri
column-kind = Tür
column-risk = Risk
column-trend = Eğilim
column-why = Neden
column-action = Yapılacak
column-since = Ne zamandır
column-priority = Öncelik
column-value = Değer
column-owner = Sorumlu
column-queue = Kuyruk
column-state = Durum
column-time = Zaman
column-event = Olay
column-version = Sürüm
trend-rising = artıyor
trend-falling = azalıyor
trend-steady = değişmiyor
value-orders = siparişlerden
value-subscription = abonelikten
value-default = varsayım
saveability-response = sonuçlardan öğrenildi
saveability-none = henüz öğrenilmedi
priority-explained = Öncelik = risk × değer × başarı olasılığı: { $risk } × { $value } × { $saveability }


## Konsol: uyarının durumu

state-open = açık
state-claimed = üstlenen: { $rep }
state-snoozed = ertelendi
state-snoozed-until = ertelendi (bitiş: { $moment })
state-done = tamamlandı
state-escalated = üst kademeye aktarıldı
state-cleared = kapandı: { $why }
owner-nobody = sorumlusu yok
owner-me = ben


## Konsol: düğmeler

button-claim = Üstlen
button-release = Bırak
button-done = Tamamlandı
button-snooze = Ertele
button-wake = Ertelemeyi bitir
button-noise = Gereksiz uyarı
button-useful = Yararlı
button-outcome = Sonuç
button-confirm = Onayla
button-cancel = Vazgeç
button-undo = Geri al
button-filter = Filtrele
button-reset = Sıfırla
button-more = Daha fazla göster
button-find = Bul
button-roll-back = Önceki sürüme dön
button-switch-on = Aç
button-keyboard = Klavye kısayolları


## Konsol: formlar

selected = { $number } uyarı seçildi
select-all = Tümünü seç
select-one = Uyarıyı seç: { $customer }
find-customer = Kimliğe göre müşteri bul
snooze-title = Ne zamana kadar ertelensin?
snooze-until = belirli bir zamana kadar
snooze-until-worse = risk şu kadar artana kadar
snooze-until-touchpoint = müşterinin bir sonraki temasına kadar
snooze-tomorrow = yarın sabah
snooze-next-week = gelecek hafta
noise-reason = Bu uyarı neden işe yaramadı?
noise-known = zaten biliyordum
noise-wrong = doğru değil
noise-late = çok geç geldi
noise-other = başka bir neden
outcome-title = Sonuç ne oldu?
outcome-sent = gönderildi
outcome-delivered = ulaştı
outcome-seen = görüldü
outcome-accepted = kabul etti
outcome-declined = reddetti
outcome-failed = ulaşılamadı
note = Not


## Konsol: filtre ve sıralama

filter-all = Tümü
filter-mine = Benimkiler
filter-unclaimed = Üstlenilmemiş
filter-snoozed = Ertelenmiş
filter-band = Risk düzeyi
filter-kind = Tür
filter-queue = Kuyruk
sort-by = Sıralama
sort-priority = öncelik
sort-risk = risk
sort-since = eskiden yeniye


## Konsol: boş durumlar ve onaylar

empty-queue = Şu anda sizi bekleyen kimse yok. Yeni uyarılar burada kendiliğinden görünür.
empty-filter = Bu filtreye uyan uyarı yok.
empty-timeline = Bilinen bir temas yok.
empty-tickets = Açık talep yok.
empty-actions = Henüz bir öneri yapılmadı.
empty-reasons = Nedeni sözle açıklanamıyor.
empty-model = Henüz eğitilmiş bir model yok. Sonucu belli olmuş örnekler gerekiyor.
customer-unknown = Bu kimlikle bilinen bir müşteri yok: { $customer }
claim-lost = Bu uyarıyı zaten üstlenen var: { $rep }
done-claimed = Üstlenildi.
done-done = Tamamlandı olarak işaretlendi.
done-snoozed = Ertelendi.
done-noise = Teşekkürler. Gereksiz uyarı olarak sayıldı.
done-outcome = Sonuç kaydedildi.
confirm-alert = { $what }. Aşağıdaki düğmeyle onaylayın.


## Konsol: müşteri sayfası

customer-timeline = Zaman çizelgesi
customer-risk = Zaman içinde risk
customer-reasons = Nedenler
customer-proof = Kanıt
customer-tickets = Açık talepler
customer-actions = Öneriler, yapılanlar ve sonuçları
customer-known = Bilinenler


## Konsol: genel bakış, uyarı ayarları, model

overview-bands = Risk düzeyine göre müşteriler
overview-crossings = Girenler ve çıkanlar
overview-throughput = Saniyedeki olay sayısı
overview-lag = Gecikme
overview-dead-letters = İşlenemeyen kayıtlar
overview-measures = Ölçümler
overview-baselines = Model ve iki temel karşılaştırma
overview-reliability = Tahmin edilen ve gözlenen risk
tuning-curve = Günlük uyarı sayısı ve yakaladıkları
tuning-capacity = Günlük kapasite
tuning-precision = Değerlendirilenlerde yararlı olanların payı
tuning-rated = Değerlendirilen
model-versions = Sürümler
model-drift = Kayma
model-trials = Denemeler
model-roll-back = Şu sürüme dönülsün mü: { $version }
chart-table = Tablo olarak göster
