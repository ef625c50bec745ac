package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

const apiRoot = "/api/v1"

// isAPI tells the API's addresses, the unknown ones too: no session is read for them, and they answer in JSON.
func isAPI(path string) bool { return strings.HasPrefix(path, "/api/") }

// apiRoutes is the API in the portal's table of routes. A route is declared once: what it takes and answers is read
// from its Go types, which makes the OpenAPI document too.
func (p *portal) apiRoutes() []route {
	a := p.newAPI()
	declare(a, policy{risk.ActEditSuppliers}, huma.Operation{OperationID: "importWatchlist", Method: http.MethodPost, Path: "/watchlist",
		Summary:     "Import a watchlist",
		Description: "The body is CSV with the header supplier,kind,value, at most 5 MiB. The answer has a row for every line. Terms are added, none is taken away; rejected lines do not keep the others from being imported.",
		// The library refuses a body that reaches its limit.
		MaxBodyBytes: importBytes + 1, BodyReadTimeout: time.Minute}, p.apiImport)
	declare(a, policy{risk.ActViewSuppliers}, huma.Operation{OperationID: "findSuppliers", Method: http.MethodGet, Path: "/suppliers",
		Summary: "List suppliers"}, p.apiSuppliers)
	declare(a, policy{risk.ActViewSuppliers}, huma.Operation{OperationID: "explainScore", Method: http.MethodGet, Path: "/suppliers/{id}/score",
		Summary: "A supplier's score with every row that made it", Description: "The same as `wardline score explain --json`."}, p.apiScore)
	declare(a, policy{risk.ActViewExposures}, huma.Operation{OperationID: "findExposures", Method: http.MethodGet, Path: "/exposures",
		Summary: "List exposures"}, p.apiExposures)
	declare(a, policy{risk.ActViewExposures}, huma.Operation{OperationID: "findExposure", Method: http.MethodGet, Path: "/exposures/{id}",
		Summary: "An exposure with the places where it was seen"}, p.apiExposure)
	declare(a, policy{risk.ActViewSources}, huma.Operation{OperationID: "findSources", Method: http.MethodGet, Path: "/sources",
		Summary: "List sources with their health"}, p.apiSources)
	declare(a, policy{risk.ActViewSources}, huma.Operation{OperationID: "findDumps", Method: http.MethodGet, Path: "/dumps",
		Summary: "List dump files and how far each has been read"}, p.apiDumps)
	declare(a, policy{signedIn}, huma.Operation{OperationID: "describe", Method: http.MethodGet, Path: "/openapi.json",
		Summary: "This document", Responses: jsonObject()}, a.document)
	// The library lists its own errors beside ours, but inOurWords lets none of them out.
	for _, unused := range []string{"ErrorModel", "ErrorDetail"} {
		delete(a.huma.OpenAPI().Components.Schemas.Map(), unused)
	}
	return a.routes
}

// api gathers routes and the document while operations are declared.
type api struct {
	http.Handler
	portal *portal
	huma   huma.API
	may    policy // of the operation that is being declared
	routes []route
}

func (p *portal) newAPI() *api {
	a := &api{Handler: http.NotFoundHandler(), portal: p} // gin serves the routes; the library only asks for a handler
	a.huma = huma.NewAPI(huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Wardline", Version: "1", Description: "Programs sign in with a token made by `wardline token add`. " +
				"Account names are masked everywhere; passwords are not kept. Errors are problem details (RFC 9457)."},
			Components: &huma.Components{
				Schemas:         huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}},
			},
			Security: []map[string][]string{{"token": {}}},
		},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, problemType: huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{inOurWords},
	}, a)
	return a
}

// declare adds an operation to the routes and to the document.
func declare[I, O any](a *api, may policy, op huma.Operation, do func(context.Context, *I) (*O, error)) {
	a.may = may
	op.Path = apiRoot + op.Path
	op.Description = strings.TrimSpace(op.Description + " For the roles " + strings.Join(may.roles(), ", ") + ".")
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Responses["default"] = &huma.Response{Description: "Refused", Content: map[string]*huma.MediaType{
		problemType: {Schema: a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[denial](), true, "")}}}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		if err != nil {
			return nil, a.portal.denial(ctx, op.OperationID, err)
		}
		return out, nil
	})
}

// Handle takes an operation from the library into the table of routes.
func (a *api) Handle(op *huma.Operation, handler func(huma.Context)) {
	path := strings.NewReplacer("{", ":", "}", "").Replace(op.Path)
	a.routes = append(a.routes, route{op.Method, path, a.may, false, func(c *gin.Context) error {
		handler(humagin.NewContext(op, c))
		return nil
	}})
}

func (po policy) roles() []string {
	var names []string
	for _, r := range risk.Roles {
		if r != risk.RoleRespondent && po.allows(risk.Actor{TokenID: 1, Role: r}) {
			names = append(names, string(r))
		}
	}
	return names
}

type documentAnswer struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	Body        []byte
}

func (a *api) document(context.Context, *struct{}) (*documentAnswer, error) {
	body, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	return &documentAnswer{ContentType: "application/json", Body: body}, nil
}

func jsonObject() map[string]*huma.Response {
	return map[string]*huma.Response{"200": {Description: "An OpenAPI 3.1 document",
		Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: "object", AdditionalProperties: true}}}}}
}

const problemType = "application/problem+json"

// denial is what the API answers when it does not do what was asked (RFC 9457). Its sentences are ours.
type denial struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func newDenial(status int, detail string) *denial {
	return &denial{Title: http.StatusText(status), Status: status, Detail: detail}
}

func (e *denial) Error() string             { return e.Detail }
func (e *denial) GetStatus() int            { return e.Status }
func (e *denial) ContentType(string) string { return problemType }

var (
	errTooMany = errors.New("too many requests")
	errMedia   = errors.New("wrong content type")
)

// apiAnswers maps a kind of error to what a program is told. Why a token was refused is not said.
var apiAnswers = []struct {
	kind   error
	status int
	say    string
}{
	{errSignIn, http.StatusUnauthorized, "The request needs a valid token: Authorization: Bearer wl_…"},
	{risk.ErrForbidden, http.StatusForbidden, "The token's role may not do this."},
	{risk.ErrNotFound, http.StatusNotFound, "There is nothing at this address."},
	{errMethod, http.StatusMethodNotAllowed, "This address is not used with that method."},
	{errTooMany, http.StatusTooManyRequests, "The token has been used too often in this minute. Wait as long as Retry-After says."},
	{errMedia, http.StatusUnsupportedMediaType, "The body must be text/csv in UTF-8, not compressed."},
	{risk.ErrConflict, http.StatusConflict, "Someone changed this meanwhile."},
	{risk.ErrTryLater, http.StatusServiceUnavailable, "Wardline is busy. Try again in a minute."},
	{risk.ErrInvalid, http.StatusUnprocessableEntity, "Something in the request is missing or wrong."},
}

// denial says an error to a program. What is ours is logged and its text stays inside.
func (p *portal) denial(ctx context.Context, where string, err error) *denial {
	for _, a := range apiAnswers {
		if !errors.Is(err, a.kind) {
			continue
		}
		var known risk.Problem
		if errors.As(err, &known) {
			return newDenial(a.status, known.Say)
		}
		return newDenial(a.status, a.say)
	}
	if ctx.Err() == nil { // else the client left, and nobody reads the answer
		p.Log.Error("request failed", "operation", where, "error", err)
	}
	return newDenial(http.StatusInternalServerError, ourMistake)
}

// failAPI answers what was refused before an operation ran.
func (p *portal) failAPI(c *gin.Context, err error) {
	answer := p.denial(c.Request.Context(), c.FullPath(), err)
	p.writeDenial(c.Writer, answer)
}

func (p *portal) writeDenial(w http.ResponseWriter, answer *denial) {
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // strings and a number always marshal
	}
	if answer.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(answer.Status)
	if _, err := w.Write(body); err != nil {
		p.Log.Debug("answer not delivered", "error", err)
	}
}

// inOurWords replaces the library's errors: they repeat what was sent, which may be a secret.
func inOurWords(ctx huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	switch e.Status {
	case http.StatusRequestEntityTooLarge:
		return newDenial(e.Status, "The body is larger than 5 MiB. Split it, or use the command line: wardline supplier import."), nil
	case http.StatusRequestTimeout:
		return newDenial(e.Status, "The body did not arrive in time."), nil
	case http.StatusUnprocessableEntity:
		return newDenial(e.Status, parameterSays(ctx.Operation(), e.Errors)), nil
	case http.StatusBadRequest:
		return newDenial(e.Status, "The request has no body."), nil
	}
	return newDenial(e.Status, "The request could not be read."), nil
}

// parameterSays names the first parameter with a wrong value; a name that is not ours is not repeated.
func parameterSays(op *huma.Operation, found []*huma.ErrorDetail) string {
	for _, f := range found {
		_, name, _ := strings.Cut(f.Location, ".")
		name, _, _ = strings.Cut(name, "[")
		if i := slices.IndexFunc(op.Parameters, func(p *huma.Param) bool { return p.Name == name }); i >= 0 {
			return fmt.Sprintf("The parameter %s does not take that value: %s.", name, op.Parameters[i].Description)
		}
	}
	return "The request has a parameter that this address does not know."
}
