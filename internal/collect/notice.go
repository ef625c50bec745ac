package collect

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/wardline/wardline/internal/risk"
)

// notices are what a page may say in words in place of its content, in the languages that boards are mostly in. The
// first that fits decides: who is banned may be asked to log in as well, and a closed board often shows a log-in form.
var notices = []struct {
	kind risk.FailureKind
	what string
	said []string
}{
	{risk.FailBanned, "a notice that we are banned", []string{
		"you have been banned", "you have been permanently banned", "you are banned", "you were banned", "you're banned", "you are permanently banned",
		"your ip has been banned", "your ip address has been banned", "has been blocked from accessing", "has banned your ip", "been banned from this",
		"permanently or temporarily banned", "wurdest gesperrt", "wurden gesperrt", "wurdest dauerhaft gesperrt", "aus diesem board verbannt", "du bist gesperrt",
		"du wurdest verbannt", "vous avez été banni", "vous êtes banni", "has sido expulsado", "has sido baneado", "ha sido expulsado", "estás baneado",
		"вы забанены", "вы были забанены", "вам закрыт доступ", "вас забанили", "заблокированы на этом форуме", "você foi banido", "foi banido deste",
		"sei stato bannato", "sei stato escluso", "sei bannato", "zostałeś zbanowany", "jesteś zbanowany", "został zbanowany", "yasaklandınız", "yasaklanmışsınız",
		"您已被封禁", "你已被封禁", "您已被禁止访问", "您的 ip 已被",
	}},
	{risk.FailSlow, "a notice that the board is closed for now", []string{
		"check back later", "down for maintenance", "maintenance mode", "under maintenance", "performing maintenance", "closed for maintenance", "for maintenance reasons",
		"board is currently disabled", "board has been disabled", "board is currently unavailable", "board is temporarily unavailable", "board is currently closed",
		"board is currently offline", "forum is currently closed", "forum is currently offline", "forums are currently closed", "forums are temporarily",
		"forum is temporarily", "site is temporarily", "board is unavailable", "wartungsarbeiten", "wartungsmodus", "board ist derzeit nicht verfügbar",
		"forum ist derzeit", "forum ist zurzeit", "board ist zurzeit", "en maintenance", "actuellement fermé", "actuellement indisponible", "temporairement indisponible",
		"en mantenimiento", "foro no está disponible", "foro está cerrado", "temporalmente fuera de servicio", "на обслуживании", "технические работы", "технических работ",
		"форум закрыт", "форум временно", "конференция отключена", "em manutenção", "fórum está fechado", "temporariamente indisponível", "in manutenzione",
		"forum è chiuso", "momentaneamente non disponibile", "temporaneamente non disponibile", "konserwacji", "przerwa techniczna", "forum jest obecnie", "forum jest tymczasowo",
		"bakım modunda", "bakımdadır", "geçici olarak kapalı", "论坛已关闭", "维护中", "论坛关闭", "系统维护",
	}},
	{risk.FailSlow, "a notice that asks us to wait", []string{
		"too many requests", "flood control", "anti-flood", "antiflood", "anti-ddos", "you must wait", "requires that you wait", "please wait", "slow down",
		"seconds before", "too busy at the moment", "server is too busy", "server is less busy", "maximum load limit", "high load", "try again in a few", "try again later",
		"too many failed log", "maximum number of login attempts", "maximum allowed number of login", "used up all your login attempts", "too many login attempts",
		"bitte warte", "zu viele anfragen", "zu viele anmeldeversuche", "sekunden warten", "server ist derzeit überlastet", "veuillez patienter", "trop de requêtes",
		"trop de tentatives", "réessayer plus tard", "por favor espere", "por favor, espera", "demasiadas solicitudes", "demasiados intentos", "inténtelo más tarde",
		"подождите", "слишком много запросов", "слишком часто", "попробуйте позже", "повторите попытку", "aguarde", "muitas solicitações", "muitas tentativas",
		"tente novamente mais tarde", "attendere prego", "troppe richieste", "troppi tentativi", "riprova più tardi", "proszę czekać", "zbyt wiele", "spróbuj ponownie później",
		"lütfen bekleyin", "çok fazla istek", "daha sonra tekrar deneyin", "请稍候", "请稍后", "请求过于频繁", "访问过于频繁",
	}},
}

// loginWords say that one must log in, or that what we are may not read. They are looked for after a form.
var loginWords = []string{
	"must be logged in", "must log in", "must be registered", "need to log in", "need to be logged in", "have to log in", "please log in", "please login",
	"are not logged in", "registered and logged in", "only registered members", "only registered users", "members only", "login required", "log in to view", "log in to continue",
	"do not have permission", "do not have the required permission", "don't have permission", "not authorised to", "not authorized to", "off limits to you",
	"no permission to", "insufficient privileges", "nicht angemeldet", "anmelden, um", "angemeldet sein", "keine berechtigung", "nicht berechtigt", "nur registrierte",
	"nicht die erforderlichen berechtigungen", "vous devez être", "devez vous connecter", "vous n'êtes pas autorisé", "pas la permission", "réservé aux membres",
	"debes iniciar sesión", "debe iniciar sesión", "debes identificarte", "debe identificarse", "no tiene permiso", "no tienes permiso", "solo usuarios registrados",
	"необходимо войти", "должны войти", "вы не вошли", "вы не авторизованы", "недостаточно прав", "только зарегистрированн", "нет доступа", "нет прав",
	"precisa estar", "deve estar registrado", "precisa fazer login", "não tem permissão", "não está autorizado", "apenas membros", "devi effettuare il login", "effettua il login",
	"devi essere registrato", "devi accedere", "non hai i permessi", "non sei autorizzato", "solo gli utenti registrati", "musisz się zalogować", "musisz być zalogowany",
	"nie jesteś zalogowany", "nie masz uprawnień", "brak uprawnień", "tylko zarejestrowani", "giriş yapmalısınız", "giriş yapmanız", "üye olmanız", "yetkiniz yok", "izniniz yok",
	"请先登录", "您需要登录", "您还没有登录", "没有权限", "无权访问",
}

// mostNotice is longer than what a notice says; a page with more text than that has a subject of its own.
const mostNotice = 1500

// notice is what the page says in place of its content, as a failure; nil when it says nothing that is known.
func (p *page) notice() error {
	text := p.noticeText()
	for _, n := range notices {
		if containsAny(text, n.said) {
			return p.failure(n.kind, errors.New(n.what))
		}
	}
	switch {
	case p.asksForLogin():
		return p.failure(risk.FailLogin, errors.New("a log-in form"))
	case containsAny(text, loginWords):
		return p.failure(risk.FailLogin, errors.New("a notice that one must log in"))
	}
	return nil
}

// explain gives a refusal the kind that its page's words give it: a board's log-in form or notice often comes with
// status 401, 403 or 503. A bare "you have no permission" is a server's own page, which no log-in opens.
func explain(refused *risk.FetchError, at *url.URL, contentType string, body []byte) {
	if !slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable}, refused.Status) {
		return
	}
	if refused.Status == http.StatusUnauthorized {
		refused.Kind = risk.FailLogin
	}
	p := &page{url: at}
	_ = p.guard(func() error { // a page that cannot be read explains nothing
		if err := p.parse(contentType, body); err != nil {
			return err
		}
		var said *risk.FetchError
		if !errors.As(p.notice(), &said) || said.Kind == risk.FailLogin && !p.asksForLogin() && !p.isSoftwares() {
			return nil
		}
		refused.Kind, refused.Err = said.Kind, fmt.Errorf("%w with status %d", said.Err, refused.Status)
		return nil
	})
}

// isSoftwares reports that a board software that is known made the page.
func (p *page) isSoftwares() bool {
	return slices.ContainsFunc(engines, func(e engine) bool { return e.shows(p) })
}

// noticeText is what stands in the box in which the page's software puts its messages, nothing when it shows none; of
// software whose box is not known, all that the page says, if that is little.
func (p *page) noticeText() string {
	if p.doc == nil {
		return ""
	}
	for _, e := range engines {
		if m, ok := e.(*markup); ok && m.message != "" && m.shows(p) {
			var said []string
			for _, box := range outermost(find(p.doc.Selection, m.message)) {
				said = append(said, oneLine(box))
			}
			return lowered(strings.Join(said, " "))
		}
	}
	text := oneLine(p.doc.Find("title").First()) + " " + oneLine(p.doc.Find("body").First())
	if len(text) > mostNotice {
		return ""
	}
	return lowered(text)
}

func lowered(text string) string {
	return strings.ReplaceAll(strings.ToLower(text[:min(len(text), 2*mostNotice)]), "’", "'")
}

func containsAny(text string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// instead says what a page is that is not what was looked for.
func instead(notice error, what string) error {
	var fetch *risk.FetchError
	if errors.As(notice, &fetch) {
		fetch.Err = fmt.Errorf("%w instead of %s", fetch.Err, what)
	}
	return notice
}
